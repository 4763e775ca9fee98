//! Uniform dequantisation (Uria et al. 2013).

use crate::prelude::*;

flow! {
    /// Uniform dequantisation, the outermost flow over an image in p. A pixel k/255 is the cell [k, k + 1)/256 of a
    /// density over real numbers. The term of the image is the log-density at a uniform draw from its cells, minus ln
    /// 256 per number. This is a bound of ln p(x) in the units of a likelihood of pixels.
    both dequantise: Dequantise(DequantiseConfig {}),
    values: ["image"],
    examples: [{} over [1, 2, 2]],
}

fn fits(_: &DequantiseConfig, shape: &[usize]) -> Result<(), String> {
    planes(&[shape]).map(|_| ())
}

fn cost(_: &DequantiseConfig, inputs: &[&[usize]]) -> Cost {
    Cost::of_values(inputs.first().map_or(0, |shape| count(shape)) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::DequantiseConfig;
    use crate::tensors::{Bijector, LEVELS, Params, Result, Tensor, Ways, pixels};

    /// Towards the base, values within their cells are unchanged. From the base, values are rounded to the grid of
    /// pixels.
    #[derive(Debug, Clone)]
    pub struct Dequantise {
        elements: usize,
    }

    impl Dequantise {
        /// # Errors
        /// A shape that is not `[channels, height, width]`.
        pub fn new(_: &Params, shape: &[usize], config: DequantiseConfig) -> Result<Self> {
            config.check(shape)?;
            Ok(Self { elements: shape.iter().product() })
        }
    }

    impl Bijector for Dequantise {
        /// For values within their cells, as returned by [`srvae_numerics::dist::dequantised`]: the logarithm of the
        /// cell's volume.
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let volume = -LEVELS.ln() * self.elements as f64;
            Ok((z.clone(), Tensor::full(volume, z.dim(0)?, z.device())?.to_dtype(z.dtype())?))
        }

        /// The pixel whose cell contains the value, or the nearest pixel outside of all cells.
        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            pixels(v)
        }

        fn ways(&self) -> Ways {
            Ways::Rounds
        }
    }
}
