//! Flattens a map to a vector.

use crate::prelude::*;

operation! {
    /// All elements as one vector.
    one flatten(FlattenConfig {}),
    examples: [{} over [2, 3, 2]],
}

fn shape(_: &FlattenConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    bounded(vec![inputs.iter().map(|input| count(input)).fold(1, usize::saturating_mul)])
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::flatten;
}
