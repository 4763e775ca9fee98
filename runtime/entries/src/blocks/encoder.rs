//! The encoder of the super-resolution VAE.

use crate::prelude::*;

layer! {
    /// Dense layers with a strided convolution after each but the last, which doubles channels and growth and halves height
    /// and width; a 1x1 convolution last.
    encoder: Encoder(EncoderConfig {
        /// channels that each step adds
        growth: usize in 1..=4096 = 64,
        /// bottlenecks in each dense layer
        steps: usize in 1..=256 = 3,
        /// halvings of height and width
        down: usize in 0..=16 = 1,
        /// channels of the output; left to inference at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ growth: 2, steps: 2, down: 1, out: 3 } over [2, 4, 6]],
}

fn shape(config: &EncoderConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (_, mut height, mut width) = planes(inputs)?;
    for _ in 0..config.down {
        (height, width) = (height.div_ceil(2), width.div_ceil(2));
    }
    bounded(vec![config.out, height, width])
}

fn cost(config: &EncoderConfig, inputs: &[&[usize]]) -> Cost {
    let Ok((channels, mut height, mut width)) = planes(inputs) else { return Cost::default() };
    let (mut channels, mut growth, steps) = (channels as u64, config.growth as u64, config.steps as u64);
    let mut total = Cost::default();
    for _ in 0..config.down {
        let stack = dense_channels(channels, growth, steps);
        let before = (height * width) as u64;
        total = total + dense_layer(channels, growth, steps, before);
        (height, width) = (height.div_ceil(2), width.div_ceil(2));
        channels = stack.saturating_mul(2);
        total = total + resizing(stack, channels, 3, [before, (height * width) as u64]);
        growth = growth.saturating_mul(2);
    }
    let stack = dense_channels(channels, growth, steps);
    let positions = (height * width) as u64;
    total + dense_layer(channels, growth, steps, positions) + conv(stack, config.out as u64, 1, positions)
}
