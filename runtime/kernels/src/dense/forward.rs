//! The forward pass: all steps process a few images at a time, so that their state stays in the cache.

use super::gate::GateValues;
use super::sizes::{CHUNK, Sizes, StepValues};
use crate::fast::activation::elu;
use crate::fast::planes::{to_pixels, to_planes_at};
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::winograd::{self, POINTS};
use crate::fast::{Shared, padded, scratch::Scratch, written};
use rayon::prelude::*;

/// Tiles in a block of GEMMs. With a chunk of channels they fill half of an L2 cache.
const TILES: usize = 32;

/// The values that the backward pass needs besides input and output: `[batch, channels]` each.
pub struct Attended {
    pub means: Vec<f32>,
    pub gates: Vec<f32>,
}

/// `[N, input, H, W]` to `[N, channels, H, W]`.
pub fn forward(
    sizes: &Sizes,
    x: &[f32],
    steps: &[StepValues<'_>],
    points: &[f32],
    gate: &GateValues<'_>,
) -> (Vec<f32>, Attended) {
    let (pixels, channels, row) = (sizes.pixels(), sizes.channels(), sizes.row());
    let group = sizes.group(TILES);
    let mut attended = Attended { means: vec![0.0; sizes.batch * channels], gates: vec![0.0; sizes.batch * channels] };
    let vectors = attended.means.par_chunks_mut(group * channels).zip(attended.gates.par_chunks_mut(group * channels));
    let groups = x.par_chunks(group * sizes.input * pixels).zip(vectors);
    let fill = |out: Shared| {
        groups.enumerate().for_each(|(first, (x, (means, gates)))| {
            let count = x.len() / (sizes.input * pixels);
            let mut stack = Scratch::new(count * pixels * row);
            for (x, stack) in x.chunks_exact(sizes.input * pixels).zip(stack.chunks_exact_mut(pixels * row)) {
                stack.iter_mut().step_by(row).for_each(|constant| *constant = 1.0);
                to_pixels(x, pixels, &mut stack[1..], row, |_| ());
            }
            for (step, values) in steps.iter().enumerate() {
                append(sizes, step, values, points, &mut stack, count);
            }
            let vectors = means.chunks_exact_mut(channels).zip(gates.chunks_exact_mut(channels));
            for (n, (stack, (means, gates))) in stack.chunks_exact_mut(pixels * row).zip(vectors).enumerate() {
                attend(sizes, gate, stack, means, gates);
                // SAFETY: this task alone writes its group's images.
                unsafe {
                    let to = out.at((first * group + n) * channels * pixels);
                    to_planes_at(&stack[1..], row, [channels, pixels], to);
                }
            }
        });
    };
    // SAFETY: the groups are all images.
    let out = unsafe { written(sizes.batch * channels * pixels, fill) };
    (out, attended)
}

/// An image's means over its pixels, the gates that follow from them, and its channels times these.
fn attend(sizes: &Sizes, gate: &GateValues<'_>, stack: &mut [f32], means: &mut [f32], gates: &mut [f32]) {
    for pixel in stack.chunks_exact(sizes.row()) {
        means.iter_mut().zip(&pixel[1..]).for_each(|(sum, value)| *sum += value);
    }
    means.iter_mut().for_each(|sum| *sum /= sizes.pixels() as f32);
    gate.gates(means, gates);
    for pixel in stack.chunks_exact_mut(sizes.row()) {
        pixel[1..].iter_mut().zip(&*gates).for_each(|(value, gate)| *value *= gate);
    }
}

/// One step on `count` images: writes its channels behind those it reads, then ELU over all.
fn append(sizes: &Sizes, step: usize, values: &StepValues<'_>, points: &[f32], stack: &mut [f32], count: usize) {
    let (tiles, before, wide, row) = (sizes.tiles(), sizes.before(step), sizes.wide(), sizes.row());
    let points = &points[sizes.kernel_start(step) / winograd::TAPS * POINTS..];
    let mut bias = vec![0.0; wide];
    bias[..sizes.growth].copy_from_slice(values.grow_bias);
    // The stride of points is not a power of two, for which they would use the same few cache lines.
    let (input_point, out_point) = (TILES * CHUNK + 16, TILES * wide + 16);
    let (mut inputs, mut products) = (Scratch::new(POINTS * input_point), Scratch::new(POINTS * out_point));
    let outside = vec![0.0f32; CHUNK.max(wide) + 16];
    let mut ignored = outside.clone();
    for first_tile in (0..count * tiles.count()).step_by(TILES) {
        let block = TILES.min(count * tiles.count() - first_tile);
        for (_, first, channels) in sizes.chunks(step) {
            for tile in 0..block {
                let from = stack[first..].as_ptr();
                let from = tiles.inputs(first_tile + tile, from, outside.as_ptr());
                // SAFETY: a pixel's row has room for whole vectors; so have `outside` and the tile's place in `inputs`.
                unsafe { winograd::input(&from, padded(channels), inputs[tile * CHUNK..].as_mut_ptr(), input_point) };
            }
            for point in 0..POINTS {
                let left = Left { at: inputs[point * input_point..].as_ptr(), row: CHUNK, column: 1 };
                let kernel = |point| points.as_ptr().wrapping_add((point * before + first) * wide);
                let right = Right { at: kernel(point), row: wide, next: Some(kernel(point + 1)) };
                let out = Out { at: products[point * out_point..].as_mut_ptr(), row: wide };
                // SAFETY: `block` tiles of `channels` values, `channels` rows of the kernel, `block` rows of products.
                unsafe { product([block, wide, channels], left, right, out, first > 0) };
            }
        }
        for tile in 0..block {
            let to = tiles.outputs(first_tile + tile, stack[before..].as_mut_ptr(), ignored.as_mut_ptr());
            // SAFETY: the step's channels and what pads them lie inside a pixel's row, whose later channels are not yet written.
            unsafe { winograd::output(products[tile * wide..].as_ptr(), out_point, wide, bias.as_ptr(), &to) };
        }
    }
    let near = if step > 0 { before } else { 0 };
    // SAFETY: rows of pixels, padded; the constant 1 is positive, so ELU does not change it.
    unsafe { elu(count * sizes.pixels(), [near, sizes.before(step + 1)], stack.as_mut_ptr(), row) };
}
