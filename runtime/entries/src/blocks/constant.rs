//! Constant values.

use crate::prelude::*;

source! {
    /// The same number everywhere: the block behind the numbers of `normal(mean: 0, std: 1)` at a root.
    constant: Constant(ConstantConfig {
        /// the number
        value: f64 in (-1e12)..=1e12,
        /// the shape, without the batch
        sizes: [usize] in 1..=LARGEST_SIZE,
    }),
    examples: [{ value: 0.5, sizes: vec![3, 2, 2] }, { value: -2.0, sizes: vec![5] }],
}

fn shape(config: &ConstantConfig) -> Result<Vec<usize>, String> {
    bounded(config.sizes.clone())
}

fn cost(_: &ConstantConfig) -> Cost {
    Cost::default()
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::ConstantConfig;
    use crate::tensors::{Params, Result, Tensor};

    /// One row with a constant, shared by all records.
    #[derive(Debug, Clone)]
    pub struct Constant {
        value: Tensor,
        output: Vec<usize>,
    }

    impl Constant {
        /// # Errors
        /// A shape that is too large.
        pub fn new(params: &Params, config: ConstantConfig) -> Result<Self> {
            let output = config.output()?;
            let value = Tensor::full(config.value, output.as_slice(), params.device())?;
            Ok(Self { value: value.to_dtype(params.dtype())?, output })
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
            self.value.unsqueeze(0)
        }
    }
}
