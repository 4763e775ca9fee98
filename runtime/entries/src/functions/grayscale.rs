//! Luminance.

use crate::prelude::*;

function! {
    /// The image's luminance, one channel, rounded to the grid.
    computed grayscale(GrayscaleConfig {}),
    into: [Image],
    examples: [{} over [3, 4, 2]],
}

fn range(_: &GrayscaleConfig, space: Space, shape: &[usize]) -> Range {
    match image(space, shape)? {
        (3, height, width) => images(vec![1, height, width]),
        _ => Err("needs an image of three channels".to_owned()),
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::transform::grayscale;
}
