//! The memory of layers, f32 on the CPU: numbers per image, and kernels, which do not depend on the batch.
//!
//! It follows from the sizes, so it is known before a model is built. All arithmetic saturates, because sizes come from
//! the user.

use crate::dense::sizes;
use crate::fast::padded;
use crate::fast::winograd::{POINTS, SIDE, TAPS};

/// Copies of every parameter in a training step: direction and normalised weight, the gradients of both, and two moments of Adamax.
pub const TRAINING_COPIES: u64 = 6;
/// Copies while a checkpoint is written: those between steps with a running average and what it replaces, six; the moments once more; the
/// four tensors of each parameter as the file's bytes, twice while the header is put before them; and one tensor on its way there.
pub const SAVING_COPIES: u64 = 20;
/// Copies in evaluation: direction and normalised weight.
pub const EVALUATION_COPIES: u64 = 2;

/// The memory of a layer, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Per image, from the forward pass to the backward pass.
    pub kept: u64,
    /// Per image, during the backward pass. A dense layer holds the state of a few images of a large batch at a time, and then takes less.
    pub passing: u64,
    /// Per image, input and output together.
    pub ends: u64,
    /// Composed kernels, from the forward pass to the backward pass.
    pub composed: u64,
    /// Kernels as points of Winograd's algorithm, during a pass.
    pub transformed: u64,
}

impl Held {
    /// A function without parameters with this many elements. It keeps its output; during the backward pass there are
    /// gradients of input and output.
    pub fn by_values(elements: u64) -> Self {
        let both = elements.saturating_mul(2);
        Self { kept: elements, passing: both, ends: both, ..Self::default() }
    }

    /// A convolution from `input` to `output` channels, between these numbers of positions.
    pub fn by_convolution([input, output]: [u64; 2], kernel: u64, [from, to]: [u64; 2]) -> Self {
        let (read, written) = (product(&[input, from]), product(&[output, to]));
        // The gradients of input and output, a pixel-major copy of each, and two offsets for each pixel and tap.
        let pixels =
            [product(&[2, read]), product(&[2, stride(output, padded), to]), product(&[4, kernel, kernel, to])];
        Self { kept: written, passing: sum(&pixels), ends: read.saturating_add(written), ..Self::default() }
    }

    /// A dense layer: `steps` bottlenecks, each of which appends `growth` channels. Per image it keeps only its output,
    /// from which the backward pass recovers every state.
    pub fn by_dense_layer(channels: u64, growth: u64, steps: u64, positions: u64) -> Self {
        let before = |step| channels.saturating_add(growth.saturating_mul(step));
        let (end, wide) = (before(steps), stride(growth, sizes::wide));
        let composed = (0..steps).map(|step| product(&[TAPS as u64, before(step).saturating_add(1), wide]));
        let composed = composed.fold(0, u64::saturating_add);
        // The state and its gradient, with a pixel's channels padded; the gradients of output and input; the points of
        // each tile.
        let row = stride(end.saturating_add(1), sizes::row);
        let tiles = positions.div_ceil((SIDE * SIDE) as u64);
        let ends = product(&[channels.saturating_add(end), positions]);
        let points = product(&[POINTS as u64, tiles, wide]);
        Self {
            kept: product(&[end, positions]),
            passing: sum(&[product(&[2, row, positions]), ends, points]),
            ends,
            composed,
            transformed: composed / TAPS as u64 * POINTS as u64,
        }
    }
}

/// The stride of a pixel with this many channels, as a kernel pads them.
fn stride(channels: u64, pad: impl Fn(usize) -> usize) -> u64 {
    let padded = usize::try_from(channels).ok().filter(|&channels| channels < usize::MAX / 2).map(pad);
    padded.map_or(channels, |it| it as u64)
}

fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |total, &factor| total.saturating_mul(factor))
}

fn sum(terms: &[u64]) -> u64 {
    terms.iter().fold(0, |total, &term| total.saturating_add(term))
}
