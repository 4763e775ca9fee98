//! The logarithm.

use crate::prelude::*;

operation! {
    /// ln(t), element by element, of positive values; what is below 1e-30 counts as 1e-30.
    one log(LogConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &LogConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn log(input: &Tensor) -> Result<Tensor> {
        input.maximum(1e-30)?.log()
    }
}
