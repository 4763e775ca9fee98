//! A smaller image.

use crate::prelude::*;

function! {
    /// The image at a fraction of its height and width, by a triangle filter, rounded to the grid.
    computed downscale(DownscaleConfig {
        /// divisor of height and width
        factor: usize in 2..=64 = 2,
    }),
    into: [Image],
    examples: [{ factor: 2 } over [3, 4, 6]],
}

fn range(config: &DownscaleConfig, space: Space, shape: &[usize]) -> Range {
    let (channels, height, width) = image(space, shape)?;
    let factor = config.factor.max(1);
    if height % factor != 0 || width % factor != 0 {
        return Err(format!("needs height and width that {factor} divides"));
    }
    images(vec![channels, height / factor, width / factor])
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::transform::downscale;
}
