//! Single layers.

use super::{NormConv, Shape2d, image};
use crate::{Params, Result, Tensor, ops};

/// Configuration of a [`Conv`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvConfig {
    /// Height and width of the kernel, odd.
    pub kernel: usize,
    /// Step between positions.
    pub stride: usize,
    /// Channels of the output.
    pub out: usize,
}

/// A weight-normalised convolution, padded so that stride 1 keeps height and width.
#[derive(Debug, Clone)]
pub struct Conv {
    conv: NormConv,
    output: Vec<usize>,
}

impl Conv {
    /// # Errors
    /// An input that is not `[channels, height, width]`.
    pub fn new(params: &Params, input: &[usize], config: ConvConfig) -> Result<Self> {
        let [channels, height, width] = image("a convolution", input)?;
        if config.kernel.is_multiple_of(2) || config.stride == 0 {
            candle_core::bail!("a convolution with kernel {} and stride {}", config.kernel, config.stride);
        }
        let conv = NormConv::new(params, channels, config.out, config.kernel, Shape2d::Stride(config.stride))?;
        Ok(Self { conv, output: vec![config.out, height.div_ceil(config.stride), width.div_ceil(config.stride)] })
    }

    /// The output's shape, without the batch.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// # Errors
    /// An input that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.conv.forward(x)
    }
}

/// Configuration of a [`Linear`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearConfig {
    /// Features of the output.
    pub out: usize,
}

/// A weight-normalised affine map of a vector: a 1x1 convolution of one pixel.
#[derive(Debug, Clone)]
pub struct Linear {
    conv: NormConv,
    output: Vec<usize>,
}

impl Linear {
    /// # Errors
    /// An input that is not `[features]`.
    pub fn new(params: &Params, input: &[usize], config: LinearConfig) -> Result<Self> {
        let &[features] = input else { candle_core::bail!("an affine map takes [features], not {input:?}") };
        let conv = NormConv::new(params, features, config.out, 1, Shape2d::Stride(1))?;
        Ok(Self { conv, output: vec![config.out] })
    }

    /// The output's shape, without the batch.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// # Errors
    /// An input that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, features) = x.dims2()?;
        self.conv.forward(&x.reshape((batch, features, 1, 1))?)?.flatten_from(1)
    }
}

/// Configuration of a [`Residual`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResidualConfig {
    /// Channels between the two convolutions.
    pub width: usize,
}

/// h + conv(elu(conv(elu(h)))), both 3x3.
#[derive(Debug, Clone)]
pub struct Residual {
    first: NormConv,
    second: NormConv,
    output: Vec<usize>,
}

impl Residual {
    /// # Errors
    /// An input that is not `[channels, height, width]`.
    pub fn new(params: &Params, input: &[usize], config: ResidualConfig) -> Result<Self> {
        let [channels, _, _] = image("a residual block", input)?;
        Ok(Self {
            first: NormConv::new(&params.at("first"), channels, config.width, 3, Shape2d::Stride(1))?,
            second: NormConv::new(&params.at("second"), config.width, channels, 3, Shape2d::Stride(1))?,
            output: input.to_vec(),
        })
    }

    /// The output's shape, without the batch.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// # Errors
    /// An input that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let h = self.first.forward(&ops::elu(x)?)?;
        x + self.second.forward(&ops::elu(&h)?)?
    }
}
