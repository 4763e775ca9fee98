//! The logistic function.

use crate::prelude::*;

operation! {
    /// 1 / (1 + exp(−t)), element by element: between 0 and 1.
    one sigmoid(SigmoidConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &SigmoidConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn sigmoid(input: &Tensor) -> Result<Tensor> {
        // (1 + tanh(t / 2)) / 2: nothing overflows.
        (input * 0.5)?.tanh()?.affine(0.5, 0.5)
    }
}
