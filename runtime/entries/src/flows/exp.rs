//! The exponential.

use crate::prelude::*;

flow! {
    /// z = exp(v), element by element: positive.
    both exp: ExpFlow(ExpFlowConfig {}),
    values: ["positive"],
    examples: [{} over [3], {} over [2, 1, 2]],
}

fn fits(_: &ExpFlowConfig, _: &[usize]) -> Result<(), String> {
    Ok(())
}

fn cost(_: &ExpFlowConfig, inputs: &[&[usize]]) -> Cost {
    Cost::of_values(inputs.first().map_or(0, |shape| count(shape)) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::ExpFlowConfig;
    use crate::tensors::{Bijector, Params, Result, Tensor, exp_inside, ops};

    /// Smaller values are clamped to this, because they have no logarithm.
    const LEAST: f64 = 1e-30;

    /// z = exp(v).
    #[derive(Debug, Clone)]
    pub struct ExpFlow;

    impl ExpFlow {
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn new(_: &Params, shape: &[usize], config: ExpFlowConfig) -> Result<Self> {
            config.check(shape)?;
            Ok(Self)
        }
    }

    impl Bijector for ExpFlow {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let v = z.maximum(LEAST)?.log()?;
            let log_det = ops::sum_batch(&v.neg()?)?;
            Ok((v, log_det))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            exp_inside(v)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((exp_inside(v)?, ops::sum_batch(&v.neg()?)?))
        }
    }
}
