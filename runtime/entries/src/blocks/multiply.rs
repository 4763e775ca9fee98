//! Products.

use crate::prelude::*;

operation! {
    /// The product of inputs of equal shapes, element by element: `a * b`.
    many multiply(MultiplyConfig {}),
    causal: |_| true,
    examples: [{} over [2, 3, 2] [2, 3, 2], {} over [5] [5] [5]],
}

fn shape(_: &MultiplyConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    equal(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor, all_equal};

    /// # Errors
    /// Inputs whose shapes differ.
    pub fn multiply(inputs: &[&Tensor]) -> Result<Tensor> {
        let (first, rest) = all_equal("multiply", inputs)?;
        rest.iter().try_fold(first.clone(), |whole, input| whole * *input)
    }
}
