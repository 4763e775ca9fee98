//! Bilinear interpolation.

use crate::prelude::*;

operation! {
    /// Bilinear interpolation to a multiple of height and width, with corners not aligned.
    one upsample(UpsampleConfig {
        /// factor of height and of width
        factor: usize in 2..=64 = 2,
    }),
    examples: [{ factor: 3 } over [2, 3, 2]],
}

fn shape(config: &UpsampleConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (channels, height, width) = planes(inputs)?;
    bounded(vec![channels, height.saturating_mul(config.factor), width.saturating_mul(config.factor)])
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::upsample;
}
