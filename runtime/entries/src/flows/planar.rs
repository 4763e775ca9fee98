//! Planar flow (Rezende and Mohamed 2015).

use crate::prelude::*;

flow! {
    /// A planar flow of a vector: z = v + u tanh(wᵀ v + b), where u is adjusted so that the flow is invertible. The
    /// parameters are learned, or an affine map of a context. The flow has no inverse in closed form, so it is allowed
    /// only in q.
    drawn planar: Planar(PlanarConfig {}),
    kind: given,
    examples: [{} over [3], {} over [2] [3]],
}

fn fits(_: &PlanarConfig, shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    vector(shape, context)
}

fn cost(_: &PlanarConfig, inputs: &[&[usize]]) -> Cost {
    let features = inputs.first().map_or(0, |shape| count(shape)) as u64;
    numbers(features.saturating_mul(2).saturating_add(1), inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::PlanarConfig;
    use crate::tensors::{Amortised, Bijector, Params, Result, Tensor, Ways, bail, ops};
    use std::sync::Arc;

    /// z = v + û tanh(wᵀ v + b).
    #[derive(Debug, Clone)]
    pub struct Planar {
        numbers: Amortised,
    }

    impl Planar {
        /// Parameters: `numbers` (u, w, b), or with a context those of an affine map.
        ///
        /// # Errors
        /// A shape that is not `[features]`.
        pub fn new(params: &Params, shape: &[usize], context: Option<&[usize]>, config: PlanarConfig) -> Result<Self> {
            config.check(shape, context)?;
            Ok(Self { numbers: Amortised::new(params, 2 * shape[0] + 1, context)? })
        }
    }

    impl Bijector for Planar {
        fn forward(&self, _: &Tensor) -> Result<(Tensor, Tensor)> {
            bail!("`planar` has no density of a value that it did not draw")
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            self.drawn(v).map(|(z, _)| z)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            let (rows, features) = v.dims2()?;
            let all = self.numbers.rows(rows)?;
            let (u, w) = (all.narrow(1, 0, features)?, all.narrow(1, features, features)?);
            let b = all.narrow(1, 2 * features, 1)?;
            let along = (&u * &w)?.sum_keepdim(1)?;
            let square = w.sqr()?.sum_keepdim(1)?.maximum(1e-30)?;
            // wᵀ û = softplus(wᵀ u) − 1 > −1
            let wanted = (ops::softplus(&along)? - 1.0)?;
            let u = (u + w.broadcast_mul(&((&wanted - &along)? / square)?)?)?;
            let bent = ((&w * v)?.sum_keepdim(1)? + b)?.tanh()?;
            let slope = (1.0 - bent.sqr()?)?;
            let log_det = ((slope * wanted)? + 1.0)?.log()?.neg()?.squeeze(1)?;
            Ok(((v + u.broadcast_mul(&bent)?)?, log_det))
        }

        fn context(&self) -> Option<&[usize]> {
            self.numbers.context()
        }

        fn given(&self, context: &Tensor) -> Result<Arc<dyn Bijector>> {
            Ok(Arc::new(Self { numbers: self.numbers.given(context)? }))
        }

        fn ways(&self) -> Ways {
            Ways::Drawn
        }
    }
}
