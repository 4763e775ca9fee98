//! Shapes and costs of the layers that the blocks are made of.
//!
//! Every convolution is weight-normalised: a gain and a bias for each output channel beside the direction.

use super::{Cost, LARGEST_SIZE};

/// Channels, height and width of an input, or what is wrong with it.
pub(super) fn planes(inputs: &[&[usize]]) -> Result<(usize, usize, usize), String> {
    match inputs {
        &[&[channels, height, width]] => Ok((channels, height, width)),
        _ => Err("needs an input of shape [channels, height, width]".to_owned()),
    }
}

/// The same for inputs that passed the check.
pub(super) fn known_planes(inputs: &[&[usize]]) -> (u64, u64) {
    planes(inputs)
        .map_or((0, 0), |(channels, height, width)| (channels as u64, (height as u64).saturating_mul(width as u64)))
}

/// The shape, where every size is between 1 and the largest allowed.
pub(super) fn bounded(shape: Vec<usize>) -> Result<Vec<usize>, String> {
    match shape.iter().find(|&&size| size == 0 || size > LARGEST_SIZE) {
        None => Ok(shape),
        Some(0) => Err("would leave nothing of its input".to_owned()),
        Some(size) => Err(format!("would need a size of {size}; the largest is {LARGEST_SIZE}")),
    }
}

fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |total, &factor| total.saturating_mul(factor))
}

/// A weight-normalised convolution; `positions` are those of the output.
pub(super) fn conv(input: u64, output: u64, kernel: u64, positions: u64) -> Cost {
    let weights = product(&[input, output, kernel, kernel]);
    Cost {
        parameters: weights.saturating_add(product(&[2, output])),
        multiply_accumulates: product(&[weights, positions]),
        kept: product(&[output, positions]),
        widest: product(&[input.saturating_add(output), positions]),
    }
}

/// A transposed 3x3 convolution that doubles height and width; `positions` are those of the input.
pub(super) fn doubling(input: u64, output: u64, positions: u64) -> Cost {
    let outputs = product(&[4, output, positions]);
    Cost {
        kept: outputs,
        widest: product(&[input, positions]).saturating_add(outputs),
        ..conv(input, output, 3, positions)
    }
}

/// The mean over all positions through two 1x1 convolutions, to an eighth of the channels and back.
fn attention(channels: u64) -> Cost {
    let narrow = (channels / 8).max(1);
    conv(channels, narrow, 1, 1) + conv(narrow, channels, 1, 1)
}

/// `steps` bottlenecks, 1x1 to 4·growth channels and 3x3 to growth, each concatenated after its input; then attention.
pub(super) fn dense_layer(channels: u64, growth: u64, steps: u64, positions: u64) -> Cost {
    let steps_cost: Cost = (0..steps)
        .map(|step| {
            let stack = channels.saturating_add(step.saturating_mul(growth));
            let wide = growth.saturating_mul(4);
            // The stack passes an activation before each step, and its output is kept.
            let activated = Cost::of_values(product(&[stack, positions]));
            activated + conv(stack, wide, 1, positions) + conv(wide, growth, 3, positions)
        })
        .sum();
    steps_cost + attention(dense_channels(channels, growth, steps))
}

/// Channels after a dense layer.
pub(super) fn dense_channels(channels: u64, growth: u64, steps: u64) -> u64 {
    channels.saturating_add(growth.saturating_mul(steps))
}
