//! Reverses the channels.

use crate::prelude::*;

flow! {
    /// The channels (of a vector: its elements) in the opposite order.
    both reverse: Reverse(ReverseConfig {}),
    examples: [{} over [5], {} over [3, 2, 1]],
}

fn fits(_: &ReverseConfig, shape: &[usize]) -> Result<(), String> {
    if shape.is_empty() { Err("needs channels".to_owned()) } else { Ok(()) }
}

fn cost(_: &ReverseConfig, inputs: &[&[usize]]) -> Cost {
    Cost::of_values(inputs.first().map_or(0, |shape| count(shape)) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::ReverseConfig;
    use crate::tensors::{Bijector, Params, Result, Tensor};

    /// Channel i of v is channel C − 1 − i of z. The flow is its own inverse.
    #[derive(Debug, Clone)]
    pub struct Reverse {
        order: Tensor,
    }

    impl Reverse {
        /// # Errors
        /// A shape without channels.
        pub fn new(params: &Params, shape: &[usize], config: ReverseConfig) -> Result<Self> {
            config.check(shape)?;
            let order: Vec<u32> = (0..shape[0] as u32).rev().collect();
            Ok(Self { order: Tensor::new(order, params.device())? })
        }
    }

    impl Bijector for Reverse {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((self.inverse(z)?, Tensor::zeros(z.dim(0)?, z.dtype(), z.device())?))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            v.contiguous()?.index_select(&self.order, 1)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            self.forward(v)
        }
    }
}
