//! Dense layers at one resolution.

use crate::prelude::*;

layer! {
    /// A sequence of dense layers at the input's height and width, then a 1x1 convolution.
    densenet: DenseNet(DenseNetConfig {
        /// channels that each step adds
        growth: usize in 1..=4096 = 64,
        /// bottlenecks in each dense layer
        steps: usize in 1..=256 = 3,
        /// dense layers
        blocks: usize in 1..=64 = 3,
        /// channels of the output; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ growth: 2, steps: 3, blocks: 2, out: 3 } over [2, 3, 5]],
}

fn shape(config: &DenseNetConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (_, height, width) = planes(inputs)?;
    bounded(vec![config.out, height, width])
}

fn cost(config: &DenseNetConfig, inputs: &[&[usize]]) -> Cost {
    let (mut channels, positions) = known_planes(inputs);
    let (growth, steps) = (config.growth as u64, config.steps as u64);
    let mut total = Cost::default();
    for _ in 0..config.blocks {
        total = total + dense_layer(channels, growth, steps, positions);
        channels = dense_channels(channels, growth, steps);
    }
    total + conv(channels, config.out as u64, 1, positions)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::DenseNetConfig;
    use crate::tensors::{DenseLayer, NormConv, Params, Result, Shape2d, Tensor, narrowed, widened};

    /// Dense layers at one resolution, then a 1x1 convolution.
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
            let output = config.output(&[input])?;
            let (mut channels, mut layers) = (input[0], Vec::with_capacity(config.blocks));
            for block in 0..config.blocks {
                let layer =
                    DenseLayer::new(&params.at(&format!("dense.{block}")), channels, config.growth, config.steps)?;
                channels = layer.channels();
                layers.push(layer);
            }
            let head = NormConv::new(&params.at("head"), channels, config.out, 1, Shape2d::Stride(1))?;
            Ok(Self { layers, head, output })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// An input that does not fit.
        pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
            let mut h = narrowed(x)?;
            for layer in &self.layers {
                h = layer.forward(&h)?;
            }
            widened(&self.head.forward(&h)?)
        }
    }
}
