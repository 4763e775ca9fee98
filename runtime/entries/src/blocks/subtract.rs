//! Differences.

use crate::prelude::*;

operation! {
    /// The second of two inputs of equal shapes subtracted from the first, element by element: `a - b`.
    many subtract(SubtractConfig {}),
    causal: |_| true,
    examples: [{} over [2, 3, 2] [2, 3, 2], {} over [5] [5]],
}

fn shape(_: &SubtractConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    if inputs.len() != 2 {
        return Err("needs two inputs".to_owned());
    }
    equal(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor, all_equal};

    /// # Errors
    /// Inputs whose shapes differ.
    pub fn subtract(inputs: &[&Tensor]) -> Result<Tensor> {
        let (first, rest) = all_equal("subtract", inputs)?;
        rest.iter().try_fold(first.clone(), |whole, input| whole - *input)
    }
}
