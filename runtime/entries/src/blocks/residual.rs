//! A residual block.

use crate::prelude::*;

layer! {
    /// The input plus two 3x3 convolutions of it with ELU before each.
    residual: Residual(ResidualConfig {
        /// channels between the two convolutions
        width: usize in 1..=LARGEST_SIZE = 64,
    }),
    examples: [{ width: 3 } over [2, 3, 4]],
}

fn shape(_: &ResidualConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    planes(inputs).map(|(channels, height, width)| vec![channels, height, width])
}

fn cost(config: &ResidualConfig, inputs: &[&[usize]]) -> Cost {
    let ((channels, positions), width) = (known_planes(inputs), config.width as u64);
    conv(channels, width, 3, positions) + conv(width, channels, 3, positions)
}
