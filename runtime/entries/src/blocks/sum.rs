//! Sums.

operation! {
    /// The sum of all elements, a vector of one: `sum(a * b)`.
    one sum(SumConfig {}),
    examples: [{} over [5], {} over [2, 3, 2]],
}

fn shape(_: &SumConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[_, ..]] => Ok(vec![1]),
        _ => Err("needs an input".to_owned()),
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn sum(input: &Tensor) -> Result<Tensor> {
        input.flatten_from(1)?.sum_keepdim(1)
    }
}
