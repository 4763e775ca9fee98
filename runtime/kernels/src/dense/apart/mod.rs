//! A dense layer whose steps compute their two convolutions one after the other, in training passes over few pixels.
//!
//! There, composing the two kernels needs more multiplications than it saves: its cost depends on the channels alone, and
//! every training step composes anew. The state is `[channels][images, pixels]`, so the 1x1 convolution and its gradients
//! are GEMMs over the planes of the whole batch. The 3x3 convolution from the channels in the middle is Winograd's.

mod backward;
mod forward;
mod grow;

pub use backward::backward;
pub use forward::forward;

use super::forward::Attended;
use super::sizes::{Sizes, row};
use crate::bf16::Activation;
use crate::fast::scratch::Scratch;
use crate::fast::winograd::{POINTS, TAPS};

/// Growth from which the GEMMs of the 1x1 convolution have whole tiles.
const LEAST_GROWTH: usize = 32;
/// Channels or pixels of a task.
const CHUNK: usize = 64;
/// Rows of a GEMM's right matrix that stay in the L2 cache.
const DEPTH: usize = 256;

/// What the forward pass keeps for the backward pass.
pub struct Kept {
    pub attended: Attended,
    /// For each step, the channels between its two convolutions, pixel-major.
    pub middles: Vec<Scratch>,
}

/// Whether a training pass computes the two convolutions apart: if that takes fewer multiplications.
pub fn is_apart(sizes: &Sizes) -> bool {
    let (growth, middle) = (sizes.growth, sizes.middle);
    let points = POINTS * sizes.batch * sizes.tiles().count();
    let [mut composed, mut apart] = [0, 0];
    for step in 0..sizes.steps {
        let before = sizes.before(step);
        composed += before * growth * (points + TAPS * middle);
        apart += middle * (before * columns(sizes) + growth * points);
    }
    growth >= LEAST_GROWTH && middle.is_multiple_of(16) && apart <= composed
}

/// Pixels of the whole batch.
fn columns(sizes: &Sizes) -> usize {
    sizes.batch * sizes.pixels()
}

/// The distance of two channels of the state.
fn line(sizes: &Sizes) -> usize {
    row(columns(sizes))
}

/// The distance of two pixels of the channels in the middle.
fn middle_row(sizes: &Sizes) -> usize {
    row(sizes.middle)
}

/// The number of channels that a step reads; there is no constant one.
fn read(sizes: &Sizes, step: usize) -> usize {
    sizes.before(step) - 1
}

/// Writes some planes of the layer's input, from channel `first`, to their place in the state.
fn load(sizes: &Sizes, x: Activation<'_>, first: usize, state: &mut [f32]) {
    let (pixels, line) = (sizes.pixels(), line(sizes));
    let count = state.len() / line;
    for image in 0..sizes.batch {
        let start = (image * sizes.input + first) * pixels;
        let from = x.read(start..start + count * pixels);
        for (to, from) in state.chunks_exact_mut(line).zip(from.chunks_exact(pixels)) {
            to[image * pixels..][..pixels].copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The layers of the VAE at batch 16: couplings at 4x4 pixels and the encoder's last layer, and three others.
    #[test]
    fn few_pixels_are_apart() {
        let layer = |input, side, growth, steps| {
            is_apart(&Sizes { batch: 16, input, height: side, width: side, growth, middle: 4 * growth, steps })
        };
        assert!(layer(64, 4, 64, 5) && layer(32, 4, 64, 5) && layer(1036, 8, 64, 8));
        assert!(!layer(16, 8, 128, 6) && !layer(16, 8, 64, 5) && !layer(392, 16, 64, 6));
    }
}
