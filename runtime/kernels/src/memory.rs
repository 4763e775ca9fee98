//! What layers hold while they run, f32 on the CPU: numbers of an image, and kernels, which do not depend on the batch.
//!
//! It follows from the sizes alone, so it is known before anything is built. All of it saturates: sizes are a user's.

use crate::fast::padded;
use crate::fast::winograd::{POINTS, SIDE, TAPS};

/// Copies of every parameter that a training step holds: direction and normalised weight, gradient, and two moments of Adamax.
pub const TRAINING_COPIES: u64 = 5;
/// Copies that evaluation holds: direction and normalised weight.
pub const EVALUATION_COPIES: u64 = 2;

/// Numbers that a layer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Of each image, from the forward pass to the backward pass.
    pub kept: u64,
    /// Of each image, during the backward pass.
    pub passing: u64,
    /// Of each image, input and output together.
    pub ends: u64,
    /// Kernels that are composed of others, from the forward pass to the backward pass.
    pub composed: u64,
    /// Kernels as points of Winograd's algorithm, during a pass.
    pub transformed: u64,
}

impl Held {
    /// A function without parameters of so many elements: it keeps its output; gradients of input and output pass.
    pub fn by_values(elements: u64) -> Self {
        let both = elements.saturating_mul(2);
        Self { kept: elements, passing: both, ends: both, ..Self::default() }
    }

    /// A convolution from `input` to `output` channels, from so many positions to so many.
    pub fn by_convolution([input, output]: [u64; 2], kernel: u64, [from, to]: [u64; 2]) -> Self {
        let (read, written) = (product(&[input, from]), product(&[output, to]));
        // The gradients of input and output, both once more pixel by pixel, and two places for each pixel and tap.
        let pixels = [product(&[2, read]), product(&[2, wide(output), to]), product(&[4, kernel, kernel, to])];
        Self { kept: written, passing: sum(&pixels), ends: read.saturating_add(written), ..Self::default() }
    }

    /// A dense layer: `steps` bottlenecks, each of which appends `growth` channels. Of an image it keeps its output alone, from
    /// which its backward pass recovers every state of the stack.
    pub fn by_dense_layer(channels: u64, growth: u64, steps: u64, positions: u64) -> Self {
        let before = |step| channels.saturating_add(growth.saturating_mul(step));
        let end = before(steps);
        let composed = (0..steps).map(|step| product(&[TAPS as u64, before(step).saturating_add(1), wide(growth)]));
        let composed = composed.fold(0, u64::saturating_add);
        // The stack and its gradient, a pixel's channels padded; the gradients of output and input; the points of each tile.
        let row = wide(end.saturating_add(1)).saturating_add(wide(1));
        let tiles = positions.div_ceil((SIDE * SIDE) as u64);
        let ends = product(&[channels.saturating_add(end), positions]);
        let points = product(&[POINTS as u64, tiles, wide(growth)]);
        Self {
            kept: product(&[end, positions]),
            passing: sum(&[product(&[2, row, positions]), ends, points]),
            ends,
            composed,
            transformed: composed / TAPS as u64 * POINTS as u64,
        }
    }
}

/// Channels of a pixel as they lie in memory.
fn wide(channels: u64) -> u64 {
    usize::try_from(channels)
        .ok()
        .filter(|&channels| channels < usize::MAX / 2)
        .map_or(channels, |it| padded(it) as u64)
}

fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |total, &factor| total.saturating_mul(factor))
}

fn sum(terms: &[u64]) -> u64 {
    terms.iter().fold(0, |total, &term| total.saturating_add(term))
}
