//! The decoder of the super-resolution VAE.

use crate::prelude::*;

layer! {
    /// Dense layers, each with a transposed convolution after it that halves channels and growth and doubles height and
    /// width; a 3x3 convolution last.
    decoder: Decoder(DecoderConfig {
        /// channels that each step adds
        growth: usize in 1..=4096 = 64,
        /// bottlenecks in each dense layer
        steps: usize in 1..=256 = 3,
        /// doublings of height and width
        up: usize in 0..=16 = 1,
        /// channels of the output; left to inference at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ growth: 4, steps: 2, up: 1, out: 3 } over [3, 2, 3]],
}

fn shape(config: &DecoderConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (_, height, width) = planes(inputs)?;
    let (up, growth) = (config.up, config.growth);
    if up > 1 && growth >> (up - 1) == 0 {
        return Err(format!(
            "halves its growth of {growth} after every doubling and has none left for the last of {up}"
        ));
    }
    bounded(vec![config.out, height << up.min(32), width << up.min(32)])
}

fn cost(config: &DecoderConfig, inputs: &[&[usize]]) -> Cost {
    let (mut channels, mut positions) = known_planes(inputs);
    let (mut growth, steps) = (config.growth as u64, config.steps as u64);
    let mut total = Cost::default();
    for _ in 0..config.up {
        let stack = dense_channels(channels, growth, steps);
        total = total + dense_layer(channels, growth, steps, positions) + doubling(stack, stack / 2, positions);
        channels = stack / 2;
        growth /= 2;
        positions = positions.saturating_mul(4);
    }
    total + conv(channels, config.out as u64, 3, positions)
}
