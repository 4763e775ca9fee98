//! A fixed permutation.

use crate::prelude::*;

flow! {
    /// A fixed permutation of the channels (for a vector: of its elements), determined by a seed.
    both permute: Permute(PermuteConfig {
        /// seed of the permutation
        seed: usize in 0..=LARGEST_SIZE = 0,
    }),
    examples: [{ seed: 0 } over [5], { seed: 3 } over [4, 2, 1]],
}

fn fits(_: &PermuteConfig, shape: &[usize]) -> Result<(), String> {
    if shape.is_empty() { Err("needs channels".to_owned()) } else { Ok(()) }
}

fn cost(_: &PermuteConfig, inputs: &[&[usize]]) -> Cost {
    Cost::of_values(inputs.first().map_or(0, |shape| count(shape)) as u64)
}

/// The source of each output, and the destination of each input.
#[cfg(feature = "tensors")]
pub(super) fn order(count: usize, seed: usize) -> (Vec<u32>, Vec<u32>) {
    let mut order: Vec<u32> = (0..count as u32).collect();
    let mut state = seed as u64;
    for last in (1..count).rev() {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        order.swap(last, ((z ^ (z >> 31)) % (last as u64 + 1)) as usize);
    }
    let mut back = vec![0; count];
    order.iter().enumerate().for_each(|(to, from)| back[*from as usize] = to as u32);
    (order, back)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::PermuteConfig;
    use crate::tensors::{Bijector, Params, Result, Tensor};

    /// Channel i of v is channel `order[i]` of z.
    #[derive(Debug, Clone)]
    pub struct Permute {
        order: Tensor,
        back: Tensor,
        params: Params,
    }

    impl Permute {
        /// # Errors
        /// A shape without channels.
        pub fn new(params: &Params, shape: &[usize], config: PermuteConfig) -> Result<Self> {
            config.check(shape)?;
            let (order, back) = super::order(shape[0], config.seed);
            let tensor = |places: Vec<u32>| Tensor::new(places, params.device());
            Ok(Self { order: tensor(order)?, back: tensor(back)?, params: params.clone() })
        }

        fn none(&self, x: &Tensor) -> Result<Tensor> {
            Tensor::zeros(x.dim(0)?, self.params.dtype(), x.device())
        }
    }

    impl Bijector for Permute {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((z.contiguous()?.index_select(&self.order, 1)?, self.none(z)?))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            v.contiguous()?.index_select(&self.back, 1)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((self.inverse(v)?, self.none(v)?))
        }
    }
}
