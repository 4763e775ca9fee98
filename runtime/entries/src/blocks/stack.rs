//! Vectors as the members of a set.

use crate::prelude::*;

operation! {
    /// Vectors of one length as the members of a set, [features, members]: `stack(e[1..5])`. `linear`, `attention`,
    /// `layer_norm` and elementwise functions treat each member alike, and `global_pool` is the mean over the members.
    some stack(StackConfig {}),
    examples: [{} over [3], {} over [2] [2] [2]],
}

fn shape(_: &StackConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[features], rest @ ..] if rest.iter().all(|input| *input == [*features]) => {
            bounded(vec![*features, inputs.len()])
        }
        _ => Err("needs vectors of one length".to_owned()),
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// Shapes that differ.
    pub fn stack(inputs: &[&Tensor]) -> Result<Tensor> {
        Tensor::stack(inputs, 2)
    }
}
