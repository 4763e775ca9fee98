//! The softplus.

use crate::prelude::*;

flow! {
    /// z = ln(1 + exp(v)), element by element: positive.
    both softplus: SoftplusFlow(SoftplusFlowConfig {}),
    values: ["positive"],
    examples: [{} over [3], {} over [2, 1, 2]],
}

fn fits(_: &SoftplusFlowConfig, _: &[usize]) -> Result<(), String> {
    Ok(())
}

fn cost(_: &SoftplusFlowConfig, inputs: &[&[usize]]) -> Cost {
    Cost::of_values(inputs.first().map_or(0, |shape| count(shape)) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::SoftplusFlowConfig;
    use crate::tensors::{Bijector, Params, Result, Tensor, ops};

    /// Smaller values are clamped to this, because they have no logarithm.
    const LEAST: f64 = 1e-30;

    /// z = ln(1 + exp(v)).
    #[derive(Debug, Clone)]
    pub struct SoftplusFlow;

    impl SoftplusFlow {
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn new(_: &Params, shape: &[usize], config: SoftplusFlowConfig) -> Result<Self> {
            config.check(shape)?;
            Ok(Self)
        }
    }

    impl Bijector for SoftplusFlow {
        /// v = z + ln(1 − exp(−z)), and dv/dz = 1 / (1 − exp(−z)).
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let z = z.maximum(LEAST)?;
            let rest = (1.0 - z.neg()?.exp()?)?.maximum(LEAST)?.log()?;
            let log_det = ops::sum_batch(&rest.neg()?)?;
            Ok(((z + rest)?, log_det))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            ops::softplus(v)
        }

        /// dz/dv = sigmoid(v).
        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((ops::softplus(v)?, ops::sum_batch(&ops::softplus(&v.neg()?)?)?))
        }
    }
}
