//! The exponential linear unit.

use crate::prelude::*;

operation! {
    /// max(t, 0) + min(exp(t) − 1, 0), element by element.
    one elu(EluConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &EluConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::elu;
}
