//! The logarithm.

use crate::prelude::*;

operation! {
    /// ln(t), element by element, of positive values.
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
        input.log()
    }
}
