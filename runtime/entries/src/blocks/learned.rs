//! Trainable parameters as values.

use crate::prelude::*;

source! {
    /// Trainable values without an input: written `learned` where the context determines the shape, or `learned
    /// real[64]`.
    learned: Learned(LearnedConfig {
        /// the shape, without the batch
        sizes: [usize] in 1..=LARGEST_SIZE,
    }),
    examples: [{ sizes: vec![3, 2, 2] }, { sizes: vec![5] }],
}

fn shape(config: &LearnedConfig) -> Result<Vec<usize>, String> {
    bounded(config.sizes.clone())
}

fn cost(config: &LearnedConfig) -> Cost {
    Cost::held(count(&config.sizes) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::LearnedConfig;
    use crate::tensors::{Params, Result, Tensor, Var};

    /// Standard deviation of the initial values: small, but not 0, so that values with the same role differ.
    const START: f64 = 0.01;

    /// One row of values, shared by all records.
    #[derive(Debug, Clone)]
    pub struct Learned {
        value: Var,
        params: Params,
        output: Vec<usize>,
    }

    impl Learned {
        /// Parameters: `value`, which starts as draws of N(0, 0.01²).
        ///
        /// # Errors
        /// A shape that is too large.
        pub fn new(params: &Params, config: LearnedConfig) -> Result<Self> {
            let output = config.output()?;
            Ok(Self { value: params.normal("value", &output, 0.0, START)?, params: params.clone(), output })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// `[1, shape…]`.
        ///
        /// # Errors
        /// A failed tensor operation.
        pub fn forward(&self) -> Result<Tensor> {
            self.params.value(&self.value).unsqueeze(0)
        }
    }
}
