//! The inverse of the logistic function.

use crate::prelude::*;

operation! {
    /// ln(t / (1 − t)), element by element, for values between 0 and 1: the logit of a probability. Values are clamped
    /// to [1e-7, 1 − 1e-7].
    one logit(LogitConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &LogitConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn logit(input: &Tensor) -> Result<Tensor> {
        let inside = input.clamp(1e-7, 1.0 - 1e-7)?;
        inside.log()? - inside.affine(-1.0, 1.0)?.log()?
    }
}
