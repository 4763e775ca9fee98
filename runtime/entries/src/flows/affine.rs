//! A fixed scale and shift.

use crate::prelude::*;

flow! {
    /// z = scale · v + shift, element by element, with fixed numbers; in `actnorm` both are learned.
    both affine: AffineFlow(AffineFlowConfig {
        /// factor of each element, not 0
        scale: f64 in (-1e12)..=1e12 = 1.0,
        /// added to each element
        shift: f64 in (-1e12)..=1e12 = 0.0,
    }),
    examples: [{ scale: 0.5, shift: -2.0 } over [3], { scale: -3.0, shift: 0.0 } over [2, 1, 2]],
}

fn fits(config: &AffineFlowConfig, _: &[usize]) -> Result<(), String> {
    if config.scale == 0.0 { Err("needs a scale other than 0".to_owned()) } else { Ok(()) }
}

fn cost(_: &AffineFlowConfig, inputs: &[&[usize]]) -> Cost {
    Cost::of_values(inputs.first().map_or(0, |shape| count(shape)) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::AffineFlowConfig;
    use crate::tensors::{Bijector, Params, Result, Tensor};

    /// z = scale · v + shift.
    #[derive(Debug, Clone)]
    pub struct AffineFlow {
        config: AffineFlowConfig,
        elements: usize,
    }

    impl AffineFlow {
        /// # Errors
        /// A scale of 0.
        pub fn new(_: &Params, shape: &[usize], config: AffineFlowConfig) -> Result<Self> {
            config.check(shape)?;
            Ok(Self { config, elements: shape.iter().product() })
        }

        fn log_det(&self, x: &Tensor) -> Result<Tensor> {
            let each = -self.config.scale.abs().ln() * self.elements as f64;
            Tensor::full(each, x.dim(0)?, x.device())?.to_dtype(x.dtype())
        }
    }

    impl Bijector for AffineFlow {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let AffineFlowConfig { scale, shift } = self.config;
            Ok((z.affine(1.0 / scale, -shift / scale)?, self.log_det(z)?))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            v.affine(self.config.scale, self.config.shift)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((self.inverse(v)?, self.log_det(v)?))
        }
    }
}
