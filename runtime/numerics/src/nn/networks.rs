//! The three networks of the super-resolution VAE.

use super::{DenseLayer, NormConv, Shape2d, image};
use crate::{Params, Result, Tensor};

/// Configuration of an [`Encoder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Channels each step of the first dense layer adds; doubled at each halving.
    pub growth: usize,
    /// Steps of each dense layer.
    pub steps: usize,
    /// Halvings of height and width.
    pub down: usize,
    /// Channels of the output.
    pub out: usize,
}

/// Dense layers with halvings between them, channels and growth doubling at each; then a 1x1 convolution.
#[derive(Debug, Clone)]
pub struct Encoder {
    levels: Vec<(DenseLayer, NormConv)>,
    last: DenseLayer,
    head: NormConv,
    output: Vec<usize>,
}

impl Encoder {
    /// Parameters: `dense.I`, `down.I`, `head`.
    ///
    /// # Errors
    /// An input that is not `[channels, height, width]`, or too few channels.
    pub fn new(params: &Params, input: &[usize], config: EncoderConfig) -> Result<Self> {
        let [mut channels, mut height, mut width] = image("an encoder", input)?;
        let (mut growth, mut levels) = (config.growth, Vec::with_capacity(config.down));
        for level in 0..config.down {
            let dense = DenseLayer::new(&params.at(&format!("dense.{level}")), channels, growth, config.steps)?;
            channels = 2 * dense.channels();
            let down = params.at(&format!("down.{level}"));
            let down = NormConv::new(&down, dense.channels(), channels, 3, Shape2d::Stride(2))?;
            levels.push((dense, down));
            (growth, height, width) = (2 * growth, height.div_ceil(2), width.div_ceil(2));
        }
        let last = DenseLayer::new(&params.at(&format!("dense.{}", config.down)), channels, growth, config.steps)?;
        let head = NormConv::new(&params.at("head"), last.channels(), config.out, 1, Shape2d::Stride(1))?;
        Ok(Self { levels, last, head, output: vec![config.out, height, width] })
    }

    /// The output's shape, without the batch.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// # Errors
    /// An input that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut h = x.clone();
        for (dense, down) in &self.levels {
            h = down.forward(&dense.forward(&h)?)?;
        }
        self.head.forward(&self.last.forward(&h)?)
    }
}

/// Configuration of a [`Decoder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecoderConfig {
    /// Channels each step of the first dense layer adds; halved at each doubling.
    pub growth: usize,
    /// Steps of each dense layer.
    pub steps: usize,
    /// Doublings of height and width.
    pub up: usize,
    /// Channels of the output.
    pub out: usize,
}

/// Dense layers each followed by a doubling, channels and growth halving at each; then a 3x3 convolution.
#[derive(Debug, Clone)]
pub struct Decoder {
    levels: Vec<(DenseLayer, NormConv)>,
    head: NormConv,
    output: Vec<usize>,
}

impl Decoder {
    /// Parameters: `dense.I`, `up.I`, `head`.
    ///
    /// # Errors
    /// An input that is not `[channels, height, width]`, or too few channels.
    pub fn new(params: &Params, input: &[usize], config: DecoderConfig) -> Result<Self> {
        let [mut channels, height, width] = image("a decoder", input)?;
        let (mut growth, mut levels) = (config.growth, Vec::with_capacity(config.up));
        for level in 0..config.up {
            let dense = DenseLayer::new(&params.at(&format!("dense.{level}")), channels, growth, config.steps)?;
            channels = dense.channels() / 2;
            let up = params.at(&format!("up.{level}"));
            let up = NormConv::new(&up, dense.channels(), channels, 3, Shape2d::Double)?;
            levels.push((dense, up));
            growth /= 2;
        }
        let head = NormConv::new(&params.at("head"), channels, config.out, 3, Shape2d::Stride(1))?;
        Ok(Self { levels, head, output: vec![config.out, height << config.up, width << config.up] })
    }

    /// The output's shape, without the batch.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// # Errors
    /// An input that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut h = x.clone();
        for (dense, up) in &self.levels {
            h = up.forward(&dense.forward(&h)?)?;
        }
        self.head.forward(&h)
    }
}

/// Configuration of a [`DenseNet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseNetConfig {
    /// Channels each step adds.
    pub growth: usize,
    /// Steps of each dense layer.
    pub steps: usize,
    /// Dense layers.
    pub blocks: usize,
    /// Channels of the output.
    pub out: usize,
}

/// Dense layers at one resolution; then a 1x1 convolution.
#[derive(Debug, Clone)]
pub struct DenseNet {
    layers: Vec<DenseLayer>,
    head: NormConv,
    output: Vec<usize>,
}

impl DenseNet {
    /// Parameters: `dense.I`, `head`.
    ///
    /// # Errors
    /// An input that is not `[channels, height, width]`, or too few channels.
    pub fn new(params: &Params, input: &[usize], config: DenseNetConfig) -> Result<Self> {
        let [mut channels, height, width] = image("a dense network", input)?;
        let mut layers = Vec::with_capacity(config.blocks);
        for block in 0..config.blocks {
            let layer = DenseLayer::new(&params.at(&format!("dense.{block}")), channels, config.growth, config.steps)?;
            channels = layer.channels();
            layers.push(layer);
        }
        let head = NormConv::new(&params.at("head"), channels, config.out, 1, Shape2d::Stride(1))?;
        Ok(Self { layers, head, output: vec![config.out, height, width] })
    }

    /// The output's shape, without the batch.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// # Errors
    /// An input that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut h = x.clone();
        for layer in &self.layers {
            h = layer.forward(&h)?;
        }
        self.head.forward(&h)
    }
}
