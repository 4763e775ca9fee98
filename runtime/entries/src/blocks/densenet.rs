//! Dense layers at one resolution.

use crate::prelude::*;

layer! {
    /// Dense layers one after the other at the input's height and width; a 1x1 convolution last.
    densenet: DenseNet(DenseNetConfig {
        /// channels that each step adds
        growth: usize in 1..=4096 = 64,
        /// bottlenecks in each dense layer
        steps: usize in 1..=256 = 3,
        /// dense layers
        blocks: usize in 1..=64 = 3,
        /// channels of the output; left to inference at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ growth: 2, steps: 3, blocks: 2, out: 3 } over [2, 3, 5]],
}

fn shape(config: &DenseNetConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (_, height, width) = planes(inputs)?;
    bounded(vec![config.out, height, width])
}

fn cost(config: &DenseNetConfig, inputs: &[&[usize]]) -> Cost {
    let (mut channels, positions) = known_planes(inputs);
    let (growth, steps) = (config.growth as u64, config.steps as u64);
    let mut total = Cost::default();
    for _ in 0..config.blocks {
        total = total + dense_layer(channels, growth, steps, positions);
        channels = dense_channels(channels, growth, steps);
    }
    total + conv(channels, config.out as u64, 1, positions)
}
