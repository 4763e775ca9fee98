//! One dense layer.

use crate::prelude::*;

layer! {
    /// One dense layer: bottlenecks, each appended to the channels so far with ELU over all of them, then channel
    /// attention. It adds growth · steps channels.
    dense_block: DenseBlock(DenseBlockConfig {
        /// channels that each step adds
        growth: usize in 1..=4096 = 64,
        /// bottlenecks
        steps: usize in 1..=256 = 3,
    }),
    examples: [{ growth: 2, steps: 2 } over [3, 3, 4]],
}

fn shape(config: &DenseBlockConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (channels, height, width) = planes(inputs)?;
    bounded(vec![channels.saturating_add(config.growth.saturating_mul(config.steps)), height, width])
}

fn cost(config: &DenseBlockConfig, inputs: &[&[usize]]) -> Cost {
    let (channels, positions) = known_planes(inputs);
    dense_layer(channels, config.growth as u64, config.steps as u64, positions)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::DenseBlockConfig;
    use crate::tensors::{DenseLayer, Params, Result, Tensor};

    /// One dense layer.
    #[derive(Debug, Clone)]
    pub struct DenseBlock {
        layer: DenseLayer,
        output: Vec<usize>,
    }

    impl DenseBlock {
        /// # Errors
        /// An input that is not `[channels, height, width]`.
        pub fn new(params: &Params, input: &[usize], config: DenseBlockConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            Ok(Self { layer: DenseLayer::new(params, input[0], config.growth, config.steps)?, output })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// An input that does not fit.
        pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
            self.layer.forward(x)
        }
    }
}
