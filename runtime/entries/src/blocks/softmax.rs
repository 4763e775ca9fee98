//! The softmax.

use crate::prelude::*;

operation! {
    /// exp(t), divided by its sum over the channels (of a vector: over its elements).
    one softmax(SoftmaxConfig {}),
    causal: |_| true,
    examples: [{} over [5], {} over [3, 2, 2]],
}

fn shape(_: &SoftmaxConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn softmax(input: &Tensor) -> Result<Tensor> {
        let above = input.broadcast_sub(&input.max_keepdim(1)?.detach())?.exp()?;
        above.broadcast_div(&above.sum_keepdim(1)?)
    }
}
