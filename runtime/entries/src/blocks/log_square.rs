//! The logarithm of a square.

use crate::prelude::*;

operation! {
    /// 2 ln(t), element by element, for positive values: the log-variance from a standard deviation. Smaller values are
    /// clamped to 1e-30.
    one log_square(LogSquareConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &LogSquareConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn log_square(input: &Tensor) -> Result<Tensor> {
        input.maximum(1e-30)?.log()? * 2.0
    }
}
