//! A scale and a shift.

use crate::prelude::*;

operation! {
    /// scale · t + shift, element by element: the block behind `2 * t + 1`.
    one affine(AffineConfig {
        /// factor of each element
        scale: f64 in (-1e12)..=1e12 = 1.0,
        /// added to each element
        shift: f64 in (-1e12)..=1e12 = 0.0,
    }),
    causal: |_| true,
    examples: [{ scale: 0.5, shift: -2.0 } over [5]],
}

fn shape(_: &AffineConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn affine(input: &Tensor, scale: f64, shift: f64) -> Result<Tensor> {
        input.affine(scale, shift)
    }
}
