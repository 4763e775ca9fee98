//! Means over windows.

use crate::prelude::*;

operation! {
    /// The mean over every window of pixels, channel by channel.
    one avg_pool(AvgPoolConfig {
        /// height and width of a window
        kernel: usize in 1..=64 = 2,
        /// step between windows
        stride: usize in 1..=64 = 2,
    }),
    examples: [{ kernel: 2, stride: 2 } over [2, 4, 2], { kernel: 3, stride: 2 } over [1, 5, 3]],
}

fn shape(config: &AvgPoolConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    windows(config.kernel, config.stride, inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::avg_pool;
}
