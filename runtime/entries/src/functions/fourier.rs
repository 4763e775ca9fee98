//! The lowest frequencies.

use crate::prelude::*;

function! {
    /// Amplitudes (the left half, on a logarithmic scale) and phases (the right half) of each channel's lowest frequencies,
    /// rounded to the grid.
    computed fourier(FourierConfig {
        /// height and width of the value, even
        size: usize in 2..=256 = 8,
    }),
    into: [Image],
    examples: [{ size: 4 } over [3, 8, 6]],
}

fn range(config: &FourierConfig, space: Space, shape: &[usize]) -> Range {
    let ((channels, height, width), size) = (image(space, shape)?, config.size);
    if !size.is_multiple_of(2) {
        return Err(format!("keeps an even number of frequencies, not {size}"));
    }
    if size > height || size > width {
        return Err(format!("has no {size} frequencies in an image of {height} x {width}"));
    }
    images(vec![channels, size, size])
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::fourier;
}
