//! A coupling by splines (Durkan et al. 2019), over vectors and maps.

use crate::prelude::*;

flow! {
    /// A coupling with monotonic rational-quadratic splines. Each element of one half of the channels passes through a
    /// spline, whose bins come from three convolutions (for a vector: affine maps) of the other half and of the
    /// context.
    both spline_coupling: SplineCoupling(SplineCouplingConfig {
        /// channels between the convolutions
        width: usize in 1..=LARGEST_SIZE = 64,
        /// bins of each spline
        bins: usize in 2..=256 = 8,
        /// the splines are curved between −limit and limit, and the identity outside
        limit: f64 in 1e-3..=1e6 = 4.0,
        /// whether the first half is changed instead of the last
        swap: bool = false,
    }),
    kind: given,
    examples: [
        { width: 3, bins: 3, limit: 2.0, swap: false } over [3],
        { width: 3, bins: 2, limit: 4.0, swap: true } over [2] [2],
        { width: 2, bins: 4, limit: 3.0, swap: false } over [2, 2, 2] [1, 2, 2],
    ],
}

fn fits(_: &SplineCouplingConfig, shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    match shape {
        [channels] | [channels, _, _] if *channels > 1 => beside(shape, context).map(|_| ()),
        _ => Err("needs [features] or [channels, height, width] with two channels or more".to_owned()),
    }
}

/// Height and width of the first and the last kernel.
fn kernel(shape: &[usize]) -> usize {
    if shape.len() == 1 { 1 } else { 3 }
}

fn cost(config: &SplineCouplingConfig, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    let channels = shape.first().copied().unwrap_or(0);
    let seen = channels / 2 + beside(shape, inputs.get(1).copied()).unwrap_or(0);
    let numbers = (channels - channels / 2).saturating_mul(3 * config.bins - 1) as u64;
    let (positions, kernel) = (count(shape.get(1..).unwrap_or_default()) as u64, kernel(shape) as u64);
    let width = config.width as u64;
    conv(seen as u64, width, kernel, positions)
        + conv(width, width, 1, positions)
        + conv(width, numbers, kernel, positions)
        + Cost::of_values(numbers.saturating_mul(positions).saturating_mul(4))
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::{SplineCouplingConfig, kernel};
    use crate::tensors::{
        Bijector, Convolutions, CouplingNetwork, Halves, NormConv, Params, Result, Shape2d, Tensor, map, ops, spline,
        spline_parameters, unmap,
    };
    use std::sync::Arc;

    /// softplus of this is 1 − 0.001, so that a head of zeros gives the identity.
    const LEVEL: f64 = 0.539_742_417_236_952;

    /// Splines on one half of the channels.
    #[derive(Debug, Clone)]
    pub struct SplineCoupling {
        network: Convolutions,
        head: NormConv,
        halves: Halves,
        config: SplineCouplingConfig,
    }

    impl SplineCoupling {
        /// Parameters: `first`, `second`, `head`.
        ///
        /// # Errors
        /// A single channel, or a context whose shape does not fit.
        pub fn new(
            params: &Params,
            shape: &[usize],
            context: Option<&[usize]>,
            config: SplineCouplingConfig,
        ) -> Result<Self> {
            config.check(shape, context)?;
            let (halves, kernel) = (Halves::of(shape[0], config.swap), kernel(shape));
            let numbers = halves.changed * spline_parameters(config.bins);
            Ok(Self {
                network: Convolutions::new(params, halves.kept, context, config.width, kernel)?,
                head: NormConv::new(&params.at("head"), config.width, numbers, kernel, Shape2d::Stride(1))?,
                halves,
                config,
            })
        }

        fn apply(&self, x: &Tensor, inverse: bool) -> Result<(Tensor, Tensor)> {
            let planes = map(x)?;
            let (batch, _, height, width) = planes.dims4()?;
            let (kept, changed) = self.halves.apart(&planes)?;
            let (bins, numbers) = (self.config.bins, spline_parameters(self.config.bins));
            let out = self.head.forward(&self.network.forward(&kept)?)?;
            let out = out.reshape((batch, self.halves.changed, numbers, height * width))?;
            let out = out.transpose(2, 3)?.contiguous()?.reshape(((), numbers))?;
            let slopes = (out.narrow(1, 2 * bins, bins - 1)? + LEVEL)?;
            let out = Tensor::cat(&[&out.narrow(1, 0, 2 * bins)?, &slopes], 1)?;
            let (value, log_slope) = spline(&changed.flatten_all()?, &out, bins, self.config.limit, inverse)?;
            let value = self.halves.together(&kept, &value.reshape(changed.dims())?)?;
            Ok((unmap(&value, x)?, ops::sum_batch(&log_slope.reshape(changed.dims())?)?))
        }
    }

    impl Bijector for SplineCoupling {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            self.apply(z, false)
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            self.apply(v, true).map(|(z, _)| z)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            self.apply(v, true)
        }

        fn context(&self) -> Option<&[usize]> {
            self.network.context()
        }

        fn given(&self, context: &Tensor) -> Result<Arc<dyn Bijector>> {
            Ok(Arc::new(Self { network: self.network.given(context)?, ..self.clone() }))
        }
    }
}
