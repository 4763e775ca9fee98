//! Sums.

use crate::prelude::*;

operation! {
    /// The sum of inputs of equal shapes, element by element: `a + b`.
    many add(AddConfig {}),
    causal: |_| true,
    examples: [{} over [2, 3, 2] [2, 3, 2], {} over [5] [5] [5]],
}

fn shape(_: &AddConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    equal(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor, all_equal, ops};

    /// # Errors
    /// Inputs whose shapes differ.
    pub fn add(inputs: &[&Tensor]) -> Result<Tensor> {
        let (first, rest) = all_equal("add", inputs)?;
        rest.iter().try_fold(first.clone(), |whole, input| ops::add(&whole, input))
    }
}
