//! The logistic function.

use crate::prelude::*;

flow! {
    /// z = 1 / (1 + exp(−v)), element by element: between 0 and 1.
    both sigmoid: SigmoidFlow(SigmoidFlowConfig {}),
    values: ["unit", "positive"],
    examples: [{} over [3], {} over [2, 1, 2]],
}

fn fits(_: &SigmoidFlowConfig, _: &[usize]) -> Result<(), String> {
    Ok(())
}

fn cost(_: &SigmoidFlowConfig, inputs: &[&[usize]]) -> Cost {
    Cost::of_values(inputs.first().map_or(0, |shape| count(shape)) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::SigmoidFlowConfig;
    use crate::tensors::{Bijector, Params, Result, Tensor, ops};

    /// Smaller values are clamped to this, because they have no logarithm.
    const LEAST: f64 = 1e-30;

    /// z = 1 / (1 + exp(−v)).
    #[derive(Debug, Clone)]
    pub struct SigmoidFlow;

    impl SigmoidFlow {
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn new(_: &Params, shape: &[usize], config: SigmoidFlowConfig) -> Result<Self> {
            config.check(shape)?;
            Ok(Self)
        }
    }

    impl Bijector for SigmoidFlow {
        /// v = ln z − ln(1 − z), and dv/dz = 1 / (z (1 − z)).
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let (log, rest) = (z.maximum(LEAST)?.log()?, (1.0 - z)?.maximum(LEAST)?.log()?);
            let log_det = ops::sum_batch(&(&log + &rest)?.neg()?)?;
            Ok(((log - rest)?, log_det))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            crate::blocks::types::sigmoid(v)
        }

        /// −ln(z (1 − z)) = softplus(v) + softplus(−v).
        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            let log_det = (ops::softplus(v)? + ops::softplus(&v.neg()?)?)?;
            Ok((self.inverse(v)?, ops::sum_batch(&log_det)?))
        }
    }
}
