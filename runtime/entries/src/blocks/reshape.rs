//! Changes the shape.

use crate::prelude::*;

operation! {
    /// The same elements in another shape.
    one reshape(ReshapeConfig {
        /// the new shape, without the batch
        sizes: [usize] in 1..=LARGEST_SIZE,
    }),
    examples: [{ sizes: vec![3, 2, 2] } over [12]],
}

fn shape(config: &ReshapeConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let elements = inputs.first().map_or(0, |input| count(input));
    if count(&config.sizes) != elements {
        return Err(format!("gives {} elements, its input has {elements}", count(&config.sizes)));
    }
    bounded(config.sizes.clone())
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::reshape;
}
