//! Masked autoregressive flow (Papamakarios et al. 2017).

use crate::prelude::*;

flow! {
    /// A step of masked autoregressive flow: v = (z − m) exp(−s). For each element, m and s (between −4 and 4) depend
    /// on the elements of z before it in raster order and on the context, through three masked convolutions (for a
    /// vector: affine maps). A density takes one pass, and a draw one pass per element. Put `reverse` between two
    /// steps.
    both maf: Maf(MafConfig {
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

fn fits(config: &MafConfig, shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    autoregressive_fits(config.kernel, shape, context)
}

fn cost(config: &MafConfig, inputs: &[&[usize]]) -> Cost {
    autoregressive(config.width, config.kernel, inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::{MafConfig, autoregressive_kernel};
    use crate::tensors::{Autoregressive, Bijector, Params, Result, Tensor, map, ops, unmap};
    use std::sync::Arc;

    /// The bound of the log-scale's absolute value.
    const LIMIT: f64 = 4.0;

    /// v = (z − m) exp(−s), autoregressive in z.
    #[derive(Debug, Clone)]
    pub struct Maf {
        network: Autoregressive,
    }

    impl Maf {
        /// Parameters: `first`, `second`, `head`, and `context` if there is one.
        ///
        /// # Errors
        /// An even kernel, or a context whose shape does not fit.
        pub fn new(params: &Params, shape: &[usize], context: Option<&[usize]>, config: MafConfig) -> Result<Self> {
            config.check(shape, context)?;
            let kernel = autoregressive_kernel(config.kernel, shape);
            Ok(Self { network: Autoregressive::new(params, shape[0], context, config.width, kernel)? })
        }

        /// m and s for a value.
        fn parts(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let (mean, scale) = self.network.forward(z)?;
            Ok((mean, ((scale / LIMIT)?.tanh()? * LIMIT)?))
        }
    }

    impl Bijector for Maf {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let x = map(z)?;
            let (mean, scale) = self.parts(&x)?;
            let v = ((x - mean)? * scale.neg()?.exp()?)?;
            Ok((unmap(&v, z)?, ops::sum_batch(&scale.neg()?)?))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            self.drawn(v).map(|(z, _)| z)
        }

        /// Each pass makes one more element correct.
        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            let x = map(v)?;
            let elements = x.elem_count() / x.dim(0)?.max(1);
            let (mut z, mut scale) = (x.zeros_like()?, x.zeros_like()?);
            for _ in 0..elements {
                let mean;
                (mean, scale) = self.parts(&z)?;
                z = (mean + (&x * scale.exp()?)?)?;
            }
            Ok((unmap(&z, v)?, ops::sum_batch(&scale.neg()?)?))
        }

        fn context(&self) -> Option<&[usize]> {
            self.network.context()
        }

        fn given(&self, context: &Tensor) -> Result<Arc<dyn Bijector>> {
            Ok(Arc::new(Self { network: self.network.given(context)? }))
        }
    }
}
