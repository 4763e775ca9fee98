//! Means over squares.

use crate::prelude::*;

operation! {
    /// The mean over square windows of pixels, which divides height and width by a factor.
    one downsample(DownsampleConfig {
        /// divisor of height and of width
        factor: usize in 2..=64 = 2,
    }),
    examples: [{ factor: 2 } over [2, 4, 2]],
}

fn shape(config: &DownsampleConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let ((channels, height, width), factor) = (planes(inputs)?, config.factor);
    if factor == 0 || height % factor != 0 || width % factor != 0 {
        return Err(format!("needs height and width that {factor} divides"));
    }
    bounded(vec![channels, height / factor, width / factor])
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::downsample;
}
