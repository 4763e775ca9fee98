//! An affine coupling (Dinh et al. 2017), over vectors and maps.

use crate::prelude::*;

flow! {
    /// An affine coupling: one half of the channels (of the pixels, with `by: checkerboard`) is scaled and shifted.
    /// Scale and shift come from three convolutions (for a vector: affine maps) of the other half and of the context.
    /// Two couplings in a row, one of them with `swap: true`, change all elements. The initial scale is 1.
    both affine_coupling: AffineCoupling(AffineCouplingConfig {
        /// channels between the convolutions
        width: usize in 1..=LARGEST_SIZE = 64,
        /// whether the first half is changed instead of the last
        swap: bool = false,
        /// how the value is divided into halves
        by: word in [channels, checkerboard] = channels,
    }),
    kind: given,
    examples: [
        { width: 3, swap: false, by: "channels" } over [2, 3, 2],
        { width: 3, swap: true, by: "channels" } over [3, 2, 2] [2, 2, 2],
        { width: 3, swap: true, by: "checkerboard" } over [1, 2, 3],
        { width: 4, swap: false, by: "channels" } over [4],
        { width: 4, swap: true, by: "channels" } over [3] [2],
    ],
}

fn fits(config: &AffineCouplingConfig, shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    match (shape, config.by) {
        ([_, height, width], "checkerboard") if height * width > 1 => {}
        ([channels] | [channels, _, _], "channels") if *channels > 1 => {}
        (_, "checkerboard") => return Err("needs a map of several pixels for a checkerboard".to_owned()),
        _ => return Err("needs [features] or [channels, height, width] with two channels or more".to_owned()),
    }
    beside(shape, context).map(|_| ())
}

/// Height and width of the first and the last kernel.
fn kernel(shape: &[usize]) -> usize {
    if shape.len() == 1 { 1 } else { 3 }
}

/// The number of channels that are read, and the number that are changed.
fn sizes(config: &AffineCouplingConfig, channels: usize) -> (usize, usize) {
    match config.by {
        "checkerboard" => (channels, channels),
        _ => (channels / 2, channels - channels / 2),
    }
}

fn cost(config: &AffineCouplingConfig, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    let (seen, changed) = sizes(config, shape.first().copied().unwrap_or(0));
    let seen = seen + beside(shape, inputs.get(1).copied()).unwrap_or(0);
    let (seen, changed, width) = (seen as u64, changed as u64, config.width as u64);
    let (positions, kernel) = (count(shape.get(1..).unwrap_or_default()) as u64, kernel(shape) as u64);
    let layers = conv(seen, width, kernel, positions) + conv(width, width, 1, positions);
    let gain = Cost::held(changed.saturating_mul(2));
    layers + conv(width, changed.saturating_mul(2), kernel, positions) + gain + Cost::of_values(count(shape) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::{AffineCouplingConfig, kernel, sizes};
    use crate::tensors::{Bijector, Convolutions, Coupling, Mask, Params, Result, Tensor, map, unmap};
    use std::sync::Arc;

    /// The initial bound of |s|. If a hundred couplings all learned to scale in the first step, the product of their
    /// scales would make the density of an image overflow. The bound is a parameter that starts at 0 and grows with the
    /// steps.
    const FIRST_BOUND: f64 = 0.0;

    /// v = (z + t) · exp(s) on one half.
    #[derive(Debug, Clone)]
    pub struct AffineCoupling {
        coupling: Coupling<Convolutions>,
    }

    impl AffineCoupling {
        /// Parameters: `first`, `second`, `head`, and `rescale`, a weight-normalised scale for s.
        ///
        /// # Errors
        /// A single channel (or pixel), or a context whose shape does not fit.
        pub fn new(
            params: &Params,
            shape: &[usize],
            context: Option<&[usize]>,
            config: AffineCouplingConfig,
        ) -> Result<Self> {
            config.check(shape, context)?;
            let ((seen, changed), kernel) = (sizes(&config, shape[0]), kernel(shape));
            let network = Convolutions::new(params, seen, context, config.width, kernel)?;
            let mask = match config.by {
                "checkerboard" => Mask::Checkerboard { reversed: config.swap },
                _ => Mask::Channel { reversed: !config.swap },
            };
            Ok(Self { coupling: Coupling::over(params, changed, kernel, mask, FIRST_BOUND, network)? })
        }
    }

    impl Bijector for AffineCoupling {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let (v, log_det) = self.coupling.forward(&map(z)?)?;
            Ok((unmap(&v, z)?, log_det))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            unmap(&self.coupling.inverse(&map(v)?)?, v)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            let (z, log_det) = self.coupling.drawn(&map(v)?)?;
            Ok((unmap(&z, v)?, log_det))
        }

        fn context(&self) -> Option<&[usize]> {
            self.coupling.inner_network().context()
        }

        fn given(&self, context: &Tensor) -> Result<Arc<dyn Bijector>> {
            Ok(Arc::new(Self { coupling: self.coupling.with_network(|network| network.given(context))? }))
        }
    }
}
