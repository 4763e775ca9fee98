//! Means over all positions, or over all members.

use crate::prelude::*;

operation! {
    /// The mean of every channel over all positions of a map, or of every feature over the members of a set: a vector.
    one global_pool(GlobalPoolConfig {}),
    examples: [{} over [2, 3, 2], {} over [2, 3]],
}

fn shape(_: &GlobalPoolConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[features, _]] => Ok(vec![*features]),
        _ => planes(inputs).map(|(channels, ..)| vec![channels]),
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn global_pool(input: &Tensor) -> Result<Tensor> {
        input.flatten_from(2)?.mean(2)
    }
}
