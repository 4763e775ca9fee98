//! Space to depth (Dinh et al. 2017).

use crate::prelude::*;

flow! {
    /// Space to depth: towards the base, squares of four pixels become four channels. The base has four times the
    /// channels at half the height and width.
    both squeeze: Squeeze(SqueezeConfig {}),
    kind: reshapes,
    examples: [{} over [1, 4, 2], {} over [3, 2, 2]],
}

fn inner(_: &SqueezeConfig, shape: &[usize]) -> Result<Vec<usize>, String> {
    let (channels, height, width) = planes(&[shape])?;
    if height % 2 != 0 || width % 2 != 0 {
        return Err("halves height and width, and needs them even".to_owned());
    }
    bounded(vec![channels.saturating_mul(4), height / 2, width / 2])
}

fn cost(_: &SqueezeConfig, inputs: &[&[usize]]) -> Cost {
    Cost::of_values(inputs.first().map_or(0, |shape| count(shape)) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::SqueezeConfig;
    use crate::tensors::{Bijector, Order, Params, Result, Tensor, squeeze, unsqueeze};

    /// `[N, C, H, W]` to `[N, 4C, H/2, W/2]`.
    #[derive(Debug, Clone)]
    pub struct Squeeze {
        inner: Vec<usize>,
    }

    impl Squeeze {
        /// # Errors
        /// An odd height or width.
        pub fn new(_: &Params, shape: &[usize], config: SqueezeConfig) -> Result<Self> {
            Ok(Self { inner: config.inner(shape)? })
        }
    }

    impl Bijector for Squeeze {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((squeeze(&z.contiguous()?, Order::Plain)?, Tensor::zeros(z.dim(0)?, z.dtype(), z.device())?))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            unsqueeze(&v.contiguous()?, Order::Plain)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((self.inverse(v)?, Tensor::zeros(v.dim(0)?, v.dtype(), v.device())?))
        }

        fn inner(&self) -> &[usize] {
            &self.inner
        }
    }
}
