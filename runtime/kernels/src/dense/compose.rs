//! Composes a step's 1x1 and 3x3 convolutions into one: W[tap, c, o] = Σ_m squeeze[m, c] · grow[o, m, tap].
//!
//! There is no nonlinearity between the two, so this is exact. The squeeze's bias is the weight of the constant
//! channel. A pixel then needs 9 · C · g multiplications, and a quarter of that with Winograd's algorithm; as two
//! convolutions it needs 4 · g · C + 36 · g².

use super::sizes::{Sizes, StepValues};
use crate::fast::planes::{transpose, turn};
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::winograd::{POINTS, TAPS, kernels};
use crate::fast::{Shared, padded, scratch::Scratch, written};
use rayon::prelude::*;

/// `[9, middle, wide]` of `[growth, middle, 9]`.
fn by_output(sizes: &Sizes, grow: &[f32]) -> Scratch {
    let (middle, wide) = (sizes.middle, sizes.wide());
    let (mut turned, mut out) = (Scratch::new(TAPS * middle * wide), Scratch::new(TAPS * middle * wide));
    if wide > sizes.growth {
        turned.fill(0.0);
    }
    assert!(grow.len() >= sizes.growth * middle * TAPS, "a grow's weight");
    // SAFETY: the assertion, and the rows of `turned`.
    unsafe { turn(grow.as_ptr(), middle * TAPS, [sizes.growth, middle * TAPS], turned.as_mut_ptr(), wide) };
    for (at, row) in turned.chunks_exact(wide).enumerate() {
        out[(at % TAPS * middle + at / TAPS) * wide..][..wide].copy_from_slice(row);
    }
    out
}

/// `[9, growth, middle padded]` of the same.
fn by_middle(sizes: &Sizes, grow: &[f32]) -> Scratch {
    let (middle, row) = (sizes.middle, padded(sizes.middle));
    let mut out = Scratch::new(TAPS * sizes.growth * row);
    if row > middle {
        out.fill(0.0);
    }
    // The taps of the result are often a power of two apart, so their rows would use the same few cache lines.
    let mut taps = Scratch::new(TAPS * (row + 16));
    for (o, grow) in grow.chunks_exact(middle * TAPS).take(sizes.growth).enumerate() {
        // SAFETY: an output's row of each tap.
        unsafe { turn(grow.as_ptr(), TAPS, [middle, TAPS], taps.as_mut_ptr(), row + 16) };
        for (tap, taps) in taps.chunks_exact(row + 16).enumerate() {
            out[(tap * sizes.growth + o) * row..][..middle].copy_from_slice(&taps[..middle]);
        }
    }
    out
}

/// The squeeze's columns of some channels, `[middle, count]`. That of the constant channel is the bias.
fn columns(values: &StepValues<'_>, channels: usize, first: usize, count: usize) -> Scratch {
    let mut out = Scratch::new(values.squeeze_bias.len() * count);
    let constant = usize::from(first == 0);
    for ((to, from), bias) in
        out.chunks_exact_mut(count).zip(values.squeeze.chunks_exact(channels)).zip(values.squeeze_bias)
    {
        to[..constant].fill(*bias);
        to[constant..].copy_from_slice(&from[first + constant - 1..][..count - constant]);
    }
    out
}

/// The composed kernels of all steps, `[9, before, wide]` each.
pub fn compose(sizes: &Sizes, steps: &[StepValues<'_>]) -> Vec<f32> {
    let grows: Vec<_> = steps.par_iter().map(|step| by_output(sizes, step.grow)).collect();
    let (middle, wide) = (sizes.middle, sizes.wide());
    // SAFETY: the chunks are all channels of all steps.
    unsafe {
        written(sizes.kernel_start(sizes.steps), |out| {
            sizes.all_chunks().into_par_iter().for_each(|(step, first, count)| {
                let before = sizes.before(step);
                let squeeze = columns(&steps[step], before - 1, first, count);
                let left = Left { at: squeeze.as_ptr(), row: 1, column: count };
                for tap in 0..TAPS {
                    let right = Right { at: grows[step][tap * middle * wide..].as_ptr(), row: wide, next: None };
                    let place = sizes.kernel_start(step) + (tap * before + first) * wide;
                    // Only this task writes its channels' rows.
                    product([count, wide, middle], left, right, Out { at: out.at(place), row: wide }, false);
                }
            });
        })
    }
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

/// The transpose of [`compose`] for one step: from gradients of the composed kernel to those of its two factors.
pub fn decompose(sizes: &Sizes, step: usize, values: &StepValues<'_>, composed: &[f32]) -> StepGradients {
    let (middle, wide, before) = (sizes.middle, sizes.wide(), sizes.before(step));
    let row = padded(middle);
    // `[middle, 9, wide]` and `[before, middle padded]`.
    let (mut grow, mut squeeze) = (Scratch::new(TAPS * middle * wide), Scratch::new(before * row));
    let (grow_shared, squeeze_shared) = (Shared::new(&mut grow), Shared::new(&mut squeeze));
    let by_middle = by_middle(sizes, values.grow);
    rayon::join(
        || {
            (0..TAPS).into_par_iter().for_each(|tap| {
                let rows = |first: usize| Right {
                    at: composed[(tap * before + first) * wide..].as_ptr(),
                    row: wide,
                    next: None,
                };
                let bias = Left { at: values.squeeze_bias.as_ptr(), row: 1, column: 1 };
                let squeeze = Left { at: values.squeeze.as_ptr(), row: before - 1, column: 1 };
                // SAFETY: the squeeze's columns, the constant's first, and as many rows of the gradient; this task alone
                // writes its tap.
                unsafe {
                    let out = Out { at: grow_shared.at(tap * wide), row: TAPS * wide };
                    product([middle, wide, 1], bias, rows(0), out, false);
                    product([middle, wide, before - 1], squeeze, rows(1), out, true);
                }
            });
        },
        || {
            sizes.chunks(step).collect::<Vec<_>>().into_par_iter().for_each(|(_, first, count)| {
                for tap in 0..TAPS {
                    let left = Left { at: composed[(tap * before + first) * wide..].as_ptr(), row: wide, column: 1 };
                    let right = Right { at: by_middle[tap * sizes.growth * row..].as_ptr(), row, next: None };
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
    transpose(&grow, wide, [middle * TAPS, sizes.growth], &mut grow_out);
    let mut squeeze_out = vec![0.0; middle * (before - 1)];
    transpose(&squeeze[row..], row, [before - 1, middle], &mut squeeze_out);
    StepGradients { squeeze: squeeze_out, squeeze_bias: squeeze[..middle].to_vec(), grow: grow_out }
}
