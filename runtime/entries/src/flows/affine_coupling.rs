//! An affine coupling by channels (Dinh et al. 2017), over vectors and maps.

use crate::prelude::*;

flow! {
    /// An affine coupling: one half of the channels is scaled and shifted by what three convolutions (of a vector: affine
    /// maps) make of the other half, with ELU between them. Two in a row, one of them with `swap: true`, change every channel.
    both affine_coupling: AffineCoupling(AffineCouplingConfig {
        /// channels between the convolutions
        width: usize in 1..=LARGEST_SIZE = 64,
        /// whether the first half changes, not the last
        swap: bool = false,
    }),
    examples: [
        { width: 3, swap: false } over [2, 3, 2],
        { width: 3, swap: true } over [4, 2, 2],
        { width: 4, swap: false } over [4],
        { width: 4, swap: true } over [2],
    ],
}

fn fits(_: &AffineCouplingConfig, shape: &[usize]) -> Result<(), String> {
    match shape {
        [channels] | [channels, _, _] if channels.is_multiple_of(2) => Ok(()),
        _ => Err("needs [features] or [channels, height, width] with an even number of channels".to_owned()),
    }
}

/// Height and width of the outer convolutions' kernels.
fn kernel(shape: &[usize]) -> usize {
    if shape.len() == 1 { 1 } else { 3 }
}

fn cost(config: &AffineCouplingConfig, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    let (half, width) = (shape.first().map_or(0, |channels| channels / 2) as u64, config.width as u64);
    let (positions, kernel) = (count(shape.get(1..).unwrap_or_default()) as u64, kernel(shape) as u64);
    let layers = conv(half, width, kernel, positions) + conv(width, width, 1, positions);
    let gain = Cost::held(half.saturating_mul(2));
    layers + conv(width, half.saturating_mul(2), kernel, positions) + gain + Cost::of_values(count(shape) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::{AffineCouplingConfig, kernel};
    use crate::tensors::{Bijector, Coupling, CouplingNetwork, Mask, NormConv, Params, Result, Shape2d, Tensor, ops};

    /// v = (z + t) · exp(s) on one half of the channels.
    #[derive(Debug, Clone)]
    pub struct AffineCoupling {
        coupling: Coupling<Convolutions>,
    }

    /// The convolutions before the coupling's last.
    #[derive(Debug, Clone)]
    struct Convolutions {
        first: NormConv,
        second: NormConv,
        width: usize,
    }

    impl CouplingNetwork for Convolutions {
        fn channels(&self) -> usize {
            self.width
        }

        fn forward(&self, context: &Tensor) -> Result<Tensor> {
            let h = ops::elu(&self.first.forward(context)?)?;
            ops::elu(&self.second.forward(&h)?)
        }
    }

    impl AffineCoupling {
        /// Parameters: `first`, `second`, `head`, and `rescale`, a weight-normalised scale for s.
        ///
        /// # Errors
        /// An odd number of channels.
        pub fn new(params: &Params, shape: &[usize], config: AffineCouplingConfig) -> Result<Self> {
            config.check(shape)?;
            let (half, width, same) = (shape[0] / 2, config.width, Shape2d::Stride(1));
            let network = Convolutions {
                first: NormConv::new(&params.at("first"), half, width, kernel(shape), same)?,
                second: NormConv::new(&params.at("second"), width, width, 1, same)?,
                width,
            };
            let mask = Mask::Channel { reversed: !config.swap };
            Ok(Self { coupling: Coupling::over(params, half, kernel(shape), mask, network)? })
        }
    }

    /// `[N, C, H, W]`; a vector is a map of one pixel.
    fn map(x: &Tensor) -> Result<Tensor> {
        if x.rank() == 2 { x.unsqueeze(2)?.unsqueeze(3) } else { Ok(x.clone()) }
    }

    impl Bijector for AffineCoupling {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let (v, log_det) = self.coupling.forward(&map(z)?)?;
            Ok((v.reshape(z.dims())?, log_det))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            self.coupling.inverse(&map(v)?)?.reshape(v.dims())
        }
    }
}
