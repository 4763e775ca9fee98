//! Means over the members of a set.

operation! {
    /// The mean over the first axis: [members, features] to [features]. For the members of `stack`, see `global_pool`.
    one set_pool(SetPoolConfig {}),
    examples: [{} over [3, 2], {} over [2, 3, 2]],
}

fn shape(_: &SetPoolConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[_, rest @ ..]] if !rest.is_empty() => Ok(rest.to_vec()),
        _ => Err("needs an axis of members and what each member is".to_owned()),
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn set_pool(input: &Tensor) -> Result<Tensor> {
        input.mean(1)
    }
}
