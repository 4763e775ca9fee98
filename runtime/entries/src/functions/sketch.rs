//! Edges.

use crate::prelude::*;

function! {
    /// An edge map of the image (the magnitude of its gradient), one channel, rounded to the grid.
    computed sketch(SketchConfig {}),
    into: [Image],
    examples: [{} over [3, 4, 3]],
}

fn range(_: &SketchConfig, space: Space, shape: &[usize]) -> Range {
    let (_, height, width) = image(space, shape)?;
    images(vec![1, height, width])
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::transform::sketch;
}
