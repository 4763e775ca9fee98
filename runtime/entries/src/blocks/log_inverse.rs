//! The logarithm of an inverse.

use crate::prelude::*;

operation! {
    /// −ln(t), element by element, for positive values: the logarithm of a rate from its scale. Smaller values are
    /// clamped to 1e-30.
    one log_inverse(LogInverseConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &LogInverseConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn log_inverse(input: &Tensor) -> Result<Tensor> {
        input.maximum(1e-30)?.log()?.neg()
    }
}
