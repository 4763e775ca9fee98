//! The logarithm of one more.

use crate::prelude::*;

operation! {
    /// ln(1 + t), element by element, of values from 0 on, such as counts; what is negative counts as 0.
    one log1p(Log1pConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &Log1pConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn log1p(input: &Tensor) -> Result<Tensor> {
        (input.maximum(0.0)? + 1.0)?.log()
    }
}
