//! The hyperbolic tangent.

use crate::prelude::*;

operation! {
    /// tanh(t), element by element: between −1 and 1.
    one tanh(TanhConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &TanhConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn tanh(input: &Tensor) -> Result<Tensor> {
        input.tanh()
    }
}
