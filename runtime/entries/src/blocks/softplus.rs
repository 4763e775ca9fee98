//! The softplus.

use crate::prelude::*;

operation! {
    /// ln(1 + exp(t)), element by element: positive.
    one softplus(SoftplusConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &SoftplusConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn softplus(input: &Tensor) -> Result<Tensor> {
        // max(t, 0) + ln(1 + exp(−|t|)): nothing overflows.
        input.relu()? + (input.abs()?.neg()?.exp()? + 1.0)?.log()?
    }
}
