//! Inverse autoregressive flow (Kingma et al. 2016).

use crate::prelude::*;

flow! {
    /// A step of inverse autoregressive flow: z = σ v + (1 − σ) m. For each element, m and σ depend on the elements of
    /// v before it in raster order and on the context, through three masked convolutions (for a vector: affine maps). A
    /// draw takes one pass. The density of a given value would take one pass per element, so the flow is allowed only
    /// in q. Put `reverse` between two steps.
    drawn iaf: Iaf(IafConfig {
        /// channels between the convolutions
        width: usize in 1..=LARGEST_SIZE = 64,
        /// height and width of the kernels over a map, odd
        kernel: usize in 1..=31 = 3,
    }),
    kind: given,
    examples: [
        { width: 5, kernel: 3 } over [4],
        { width: 4, kernel: 3 } over [3] [2],
        { width: 3, kernel: 3 } over [2, 2, 3] [1, 2, 3],
    ],
}

fn fits(config: &IafConfig, shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    autoregressive_fits(config.kernel, shape, context)
}

fn cost(config: &IafConfig, inputs: &[&[usize]]) -> Cost {
    autoregressive(config.width, config.kernel, inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::{IafConfig, autoregressive_kernel};
    use crate::tensors::{Autoregressive, Bijector, Params, Result, Tensor, Ways, bail, map, ops, unmap};
    use std::sync::Arc;

    /// Added to the logit of σ, so that a new flow is close to the identity.
    const OPEN: f64 = 1.5;

    /// z = σ v + (1 − σ) m, autoregressive in v.
    #[derive(Debug, Clone)]
    pub struct Iaf {
        network: Autoregressive,
    }

    impl Iaf {
        /// Parameters: `first`, `second`, `head`, and `context` if there is one.
        ///
        /// # Errors
        /// An even kernel, or a context whose shape does not fit.
        pub fn new(params: &Params, shape: &[usize], context: Option<&[usize]>, config: IafConfig) -> Result<Self> {
            config.check(shape, context)?;
            let kernel = autoregressive_kernel(config.kernel, shape);
            Ok(Self { network: Autoregressive::new(params, shape[0], context, config.width, kernel)? })
        }
    }

    impl Bijector for Iaf {
        fn forward(&self, _: &Tensor) -> Result<(Tensor, Tensor)> {
            bail!("`iaf` has no density of a value that it did not draw")
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            self.drawn(v).map(|(z, _)| z)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            let x = map(v)?;
            let (mean, gate) = self.network.forward(&x)?;
            let gate = (gate + OPEN)?;
            // ln σ(t) = −softplus(−t)
            let log_open = ops::softplus(&gate.neg()?)?.neg()?;
            let z = (&mean + (log_open.exp()? * (x - &mean)?)?)?;
            Ok((unmap(&z, v)?, ops::sum_batch(&log_open.neg()?)?))
        }

        fn context(&self) -> Option<&[usize]> {
            self.network.context()
        }

        fn given(&self, context: &Tensor) -> Result<Arc<dyn Bijector>> {
            Ok(Arc::new(Self { network: self.network.given(context)? }))
        }

        fn ways(&self) -> Ways {
            Ways::Drawn
        }
    }
}
