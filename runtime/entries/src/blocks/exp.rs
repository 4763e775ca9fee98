//! The exponential.

use crate::prelude::*;

operation! {
    /// exp(t), element by element.
    one exp(ExpConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &ExpConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn exp(input: &Tensor) -> Result<Tensor> {
        input.exp()
    }
}
