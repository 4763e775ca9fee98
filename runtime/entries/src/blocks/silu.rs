//! The sigmoid linear unit.

use crate::prelude::*;

operation! {
    /// t · sigmoid(t), element by element.
    one silu(SiluConfig {}),
    examples: [{} over [5]],
}

fn shape(_: &SiluConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::silu;
}
