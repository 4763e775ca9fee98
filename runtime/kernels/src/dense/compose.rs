//! A step's 1x1 and 3x3 convolutions as one: W[tap, c, o] = Σ_m squeeze[m, c] · grow[o, m, tap].
//!
//! There is no nonlinearity between the two, so this is exact; the squeeze's bias is the weight of the constant channel. A
//! pixel then costs 9 · C · g multiplications, and a quarter of that with Winograd's algorithm; as two convolutions it costs
//! 4 · g · C + 36 · g².

use super::sizes::{Sizes, StepValues};
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::winograd::{POINTS, TAPS, kernels};
use crate::fast::{Shared, padded, planes::transpose, scratch::Scratch};
use rayon::prelude::*;

/// `[9, middle, wide]` of `[growth, middle, 9]`.
fn by_output(sizes: &Sizes, grow: &[f32]) -> Vec<f32> {
    let (middle, wide) = (sizes.middle, sizes.wide());
    let mut out = vec![0.0; TAPS * middle * wide];
    for (o, grow) in grow.chunks_exact(middle * TAPS).enumerate() {
        for (m, taps) in grow.chunks_exact(TAPS).enumerate() {
            for (tap, value) in taps.iter().enumerate() {
                out[(tap * middle + m) * wide + o] = *value;
            }
        }
    }
    out
}

/// `[9, growth, middle padded]` of the same.
fn by_middle(sizes: &Sizes, grow: &[f32]) -> Vec<f32> {
    let (middle, row) = (sizes.middle, padded(sizes.middle));
    let mut out = vec![0.0; TAPS * sizes.growth * row];
    for (o, grow) in grow.chunks_exact(middle * TAPS).enumerate() {
        for (m, taps) in grow.chunks_exact(TAPS).enumerate() {
            for (tap, value) in taps.iter().enumerate() {
                out[(tap * sizes.growth + o) * row + m] = *value;
            }
        }
    }
    out
}

/// The squeeze's column of a channel: the constant's is the bias.
fn column(values: &StepValues<'_>, channels: usize, channel: usize) -> Left {
    match channel {
        0 => Left { at: values.squeeze_bias.as_ptr(), row: 0, column: 1 },
        _ => Left { at: values.squeeze[channel - 1..].as_ptr(), row: 1, column: channels },
    }
}

/// Splits a chunk of channels into the constant and the others: first channel, channels.
fn parts(first: usize, count: usize) -> impl Iterator<Item = (usize, usize)> {
    let constant = usize::from(first == 0);
    [(first, constant), (first + constant, count - constant)].into_iter().filter(|(_, count)| *count > 0)
}

/// The composed kernels of all steps, `[9, before, wide]` each.
pub fn compose(sizes: &Sizes, steps: &[StepValues<'_>]) -> Vec<f32> {
    let grows: Vec<_> = steps.par_iter().map(|step| by_output(sizes, step.grow)).collect();
    let (middle, wide) = (sizes.middle, sizes.wide());
    let mut out = vec![0.0; sizes.kernel_start(sizes.steps)];
    let shared = Shared::new(&mut out);
    sizes.all_chunks().into_par_iter().for_each(|(step, first, count)| {
        let before = sizes.before(step);
        for (first, count) in parts(first, count) {
            let left = column(&steps[step], before - 1, first);
            for tap in 0..TAPS {
                let right = Right { at: grows[step][tap * middle * wide..].as_ptr(), row: wide };
                let place = sizes.kernel_start(step) + (tap * before + first) * wide;
                // SAFETY: channels first..first + count are columns of the squeeze; this task alone writes their rows.
                unsafe {
                    let out = Out { at: shared.at(place), row: wide };
                    product([count, wide, middle], left, right, out, false);
                }
            }
        }
    });
    out
}

/// The points of all composed kernels, `[36, before, wide]` each.
pub fn points(sizes: &Sizes, composed: &[f32]) -> Scratch {
    let wide = sizes.wide();
    let mut out = Scratch::new(composed.len() / TAPS * POINTS);
    let shared = Shared::new(&mut out);
    sizes.all_chunks().into_par_iter().for_each(|(step, first, count)| {
        let (start, plane) = (sizes.kernel_start(step), sizes.before(step) * wide);
        let from = composed[start + first * wide..].as_ptr();
        // SAFETY: rows first..first + count of each tap and each point lie inside; this task alone writes them.
        unsafe {
            let to = shared.at(start / TAPS * POINTS + first * wide);
            kernels(from, plane, count * wide, to, plane);
        }
    });
    out
}

/// Gradients of one step's weights.
pub struct StepGradients {
    pub squeeze: Vec<f32>,
    pub squeeze_bias: Vec<f32>,
    pub grow: Vec<f32>,
}

/// The transpose of [`compose`] for one step: gradients of the composed kernel to those of the two it was made of.
pub fn decompose(sizes: &Sizes, step: usize, values: &StepValues<'_>, composed: &[f32]) -> StepGradients {
    let (middle, wide, before) = (sizes.middle, sizes.wide(), sizes.before(step));
    let row = padded(middle);
    let (mut grow, mut squeeze) = (Scratch::new(TAPS * middle * wide), Scratch::new(before * row));
    let (grow_shared, squeeze_shared) = (Shared::new(&mut grow), Shared::new(&mut squeeze));
    let by_middle = by_middle(sizes, values.grow);
    rayon::join(
        || {
            (0..TAPS).into_par_iter().for_each(|tap| {
                for (first, count) in parts(0, before) {
                    let right = Right { at: composed[(tap * before + first) * wide..].as_ptr(), row: wide };
                    let transposed = column(values, before - 1, first);
                    let left = Left { row: transposed.column, column: transposed.row, ..transposed };
                    // SAFETY: `count` columns of the squeeze and rows of the gradient; this task alone writes its tap.
                    unsafe {
                        let out = Out { at: grow_shared.at(tap * middle * wide), row: wide };
                        product([middle, wide, count], left, right, out, first > 0);
                    }
                }
            });
        },
        || {
            sizes.chunks(step).collect::<Vec<_>>().into_par_iter().for_each(|(_, first, count)| {
                for tap in 0..TAPS {
                    let left = Left { at: composed[(tap * before + first) * wide..].as_ptr(), row: wide, column: 1 };
                    let right = Right { at: by_middle[tap * sizes.growth * row..].as_ptr(), row };
                    // SAFETY: `growth` columns of the gradient and rows of the kernel; this task alone writes its rows.
                    unsafe {
                        let out = Out { at: squeeze_shared.at(first * row), row };
                        product([count, row, sizes.growth], left, right, out, tap > 0);
                    }
                }
            });
        },
    );
    let mut grow_out = vec![0.0; sizes.growth * middle * TAPS];
    for (o, grow_out) in grow_out.chunks_exact_mut(middle * TAPS).enumerate() {
        for (m, taps) in grow_out.chunks_exact_mut(TAPS).enumerate() {
            for (tap, value) in taps.iter_mut().enumerate() {
                *value = grow[(tap * middle + m) * wide + o];
            }
        }
    }
    let mut squeeze_out = vec![0.0; middle * (before - 1)];
    transpose(&squeeze[row..], row, [before - 1, middle], &mut squeeze_out);
    StepGradients { squeeze: squeeze_out, squeeze_bias: squeeze[..middle].to_vec(), grow: grow_out }
}
