//! Directions of vectors.

use crate::prelude::*;

operation! {
    /// x / |x|, the direction of a vector; of a map, of its channels at each position.
    one direction(DirectionConfig {}),
    causal: |_| true,
    examples: [{} over [5], {} over [3, 2, 2]],
}

fn shape(_: &DirectionConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// Keeps the gradient finite at 0, below the rounding of a length in single precision.
    const LEAST: f64 = 1e-24;

    /// # Errors
    /// A failed tensor operation.
    pub fn direction(input: &Tensor) -> Result<Tensor> {
        let length = (input.sqr()?.sum_keepdim(1)? + LEAST)?.sqrt()?;
        input.broadcast_div(&length)
    }
}
