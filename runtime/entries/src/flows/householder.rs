//! Householder flow (Tomczak and Welling 2016).

use crate::prelude::*;

flow! {
    /// A rotation of a vector by a product of reflections. The normals of the reflections are learned, or an affine map
    /// of a context.
    both householder: Householder(HouseholderConfig {
        /// number of reflections
        reflections: usize in 1..=1024 = 8,
    }),
    kind: given,
    examples: [{ reflections: 2 } over [3], { reflections: 3 } over [2] [3]],
}

fn fits(_: &HouseholderConfig, shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    vector(shape, context)
}

fn cost(config: &HouseholderConfig, inputs: &[&[usize]]) -> Cost {
    let features = inputs.first().map_or(0, |shape| count(shape)) as u64;
    numbers(features.saturating_mul(config.reflections as u64), inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::HouseholderConfig;
    use crate::tensors::{Amortised, Bijector, Params, Result, Tensor, reflected};
    use std::sync::Arc;

    /// A product of reflections; the inverse applies them in the opposite order.
    #[derive(Debug, Clone)]
    pub struct Householder {
        numbers: Amortised,
        reflections: usize,
    }

    impl Householder {
        /// Parameters: `numbers` (the normals), or with a context those of an affine map.
        ///
        /// # Errors
        /// A shape that is not `[features]`.
        pub fn new(
            params: &Params,
            shape: &[usize],
            context: Option<&[usize]>,
            config: HouseholderConfig,
        ) -> Result<Self> {
            config.check(shape, context)?;
            let numbers = Amortised::new(params, config.reflections * shape[0], context)?;
            Ok(Self { numbers, reflections: config.reflections })
        }

        fn reflect(&self, x: &Tensor, order: impl Iterator<Item = usize>) -> Result<Tensor> {
            let (rows, features) = x.dims2()?;
            let all = self.numbers.rows(rows)?;
            let mut x = x.unsqueeze(2)?;
            for at in order {
                x = reflected(&x, &all.narrow(1, at * features, features)?)?;
            }
            x.squeeze(2)
        }
    }

    impl Bijector for Householder {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let v = self.reflect(z, (0..self.reflections).rev())?;
            Ok((v, Tensor::zeros(z.dim(0)?, z.dtype(), z.device())?))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            self.reflect(v, 0..self.reflections)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((self.inverse(v)?, Tensor::zeros(v.dim(0)?, v.dtype(), v.device())?))
        }

        fn context(&self) -> Option<&[usize]> {
            self.numbers.context()
        }

        fn given(&self, context: &Tensor) -> Result<Arc<dyn Bijector>> {
            Ok(Arc::new(Self { numbers: self.numbers.given(context)?, reflections: self.reflections }))
        }
    }
}
