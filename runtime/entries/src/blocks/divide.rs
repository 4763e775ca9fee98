//! Quotients.

use crate::prelude::*;

operation! {
    /// The first of two inputs of equal shapes divided by the second, element by element: `a / b`.
    many divide(DivideConfig {}),
    causal: |_| true,
    examples: [{} over [2, 3, 2] [2, 3, 2], {} over [5] [5]],
}

fn shape(_: &DivideConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
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
    pub fn divide(inputs: &[&Tensor]) -> Result<Tensor> {
        let (first, rest) = all_equal("divide", inputs)?;
        rest.iter().try_fold(first.clone(), |whole, input| whole / *input)
    }
}
