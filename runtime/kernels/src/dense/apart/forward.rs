//! The forward pass of a training step, for all images at once.

use super::{CHUNK, DEPTH, Kept, columns, grow, line, load, middle_row, read};
use crate::bf16::Activation;
use crate::dense::forward::Attended;
use crate::dense::gate::GateValues;
use crate::dense::sizes::{Sizes, StepValues};
use crate::fast::activation::elu;
use crate::fast::planes::turn;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::scratch::Scratch;
use crate::fast::{Shared, written};
use crate::vector::sum;
use rayon::prelude::*;

/// Channels of a task that reads the input or applies ELU.
const ROWS: usize = 16;

/// `[N, input, H, W]` to `[N, channels, H, W]`.
pub fn forward(sizes: &Sizes, x: &[f32], steps: &[StepValues<'_>], gate: &GateValues<'_>) -> (Vec<f32>, Kept) {
    let line = line(sizes);
    let mut state = Scratch::new(sizes.channels() * line);
    state[..sizes.input * line].par_chunks_mut(ROWS * line).enumerate().for_each(|(task, planes)| {
        load(sizes, Activation::Whole(x), task * ROWS, planes);
    });
    let mut middles = Vec::with_capacity(steps.len());
    for (step, values) in steps.iter().enumerate() {
        let (before, appended) = state.split_at_mut(read(sizes, step) * line);
        let middle = squeezed(sizes, values, before);
        grow::forward(sizes, values, &middle, appended);
        let (old, all) = (if step > 0 { read(sizes, step) } else { 0 }, read(sizes, step + 1));
        state[..all * line].par_chunks_mut(ROWS * line).enumerate().for_each(|(task, rows)| {
            let near = old.saturating_sub(task * ROWS).min(rows.len() / line);
            let (old, new) = rows.split_at_mut(near * line);
            let columns = columns(sizes);
            // SAFETY: rows with room for whole vectors.
            unsafe {
                elu(near, [columns, columns], old.as_mut_ptr(), line);
                elu(new.len() / line, [0, columns], new.as_mut_ptr(), line);
            }
        });
        middles.push(middle);
    }
    let (out, attended) = attend(sizes, gate, &state);
    (out, Kept { attended, middles })
}

/// The channels in the middle, pixel-major.
fn squeezed(sizes: &Sizes, values: &StepValues<'_>, state: &[f32]) -> Scratch {
    let (middle, row, line) = (sizes.middle, middle_row(sizes), line(sizes));
    let channels = values.squeeze.len() / middle;
    let weight = turned(values.squeeze, [middle, channels]);
    let mut out = Scratch::new(columns(sizes) * row);
    out.par_chunks_mut(CHUNK * row).enumerate().for_each(|(task, out)| {
        for pixel in out.chunks_exact_mut(row) {
            pixel[..middle].copy_from_slice(values.squeeze_bias);
        }
        for first in (0..channels).step_by(DEPTH) {
            let depth = DEPTH.min(channels - first);
            let left = Left { at: state[first * line + task * CHUNK..].as_ptr(), row: 1, column: line };
            let next = weight.as_ptr().wrapping_add((first + depth) * middle);
            let right = Right { at: weight[first * middle..].as_ptr(), row: middle, next: Some(next) };
            // SAFETY: the task's pixels of `depth` planes, and as many rows of the weight.
            unsafe {
                let to = Out { at: out.as_mut_ptr(), row };
                product([out.len() / row, middle, depth], left, right, to, true);
            }
        }
    });
    out
}

/// The transpose of a matrix.
fn turned(from: &[f32], [rows, columns]: [usize; 2]) -> Scratch {
    let mut out = Scratch::new(rows * columns);
    out.par_chunks_mut(CHUNK * rows).enumerate().for_each(|(task, out)| {
        // SAFETY: the task's columns.
        unsafe {
            let from = from[task * CHUNK..].as_ptr();
            turn(from, columns, [rows, out.len() / rows], out.as_mut_ptr(), rows);
        }
    });
    out
}

/// The last state times the gates of attention, as `[N, channels, H, W]`.
fn attend(sizes: &Sizes, gate: &GateValues<'_>, state: &[f32]) -> (Vec<f32>, Attended) {
    let (pixels, channels, line) = (sizes.pixels(), sizes.channels(), line(sizes));
    let mut attended = Attended { means: vec![0.0; sizes.batch * channels], gates: vec![0.0; sizes.batch * channels] };
    let vectors = attended.means.par_chunks_mut(channels).zip(attended.gates.par_chunks_mut(channels));
    let fill = |out: Shared| {
        vectors.enumerate().for_each(|(image, (means, gates))| {
            let plane = |channel: usize| &state[channel * line + image * pixels..][..pixels];
            for (channel, mean) in means.iter_mut().enumerate() {
                *mean = (sum(plane(channel)) / pixels as f64) as f32;
            }
            gate.gates(means, gates);
            for (channel, gate) in gates.iter().enumerate() {
                for (pixel, value) in plane(channel).iter().enumerate() {
                    // SAFETY: this task alone writes its image.
                    unsafe { out.at((image * channels + channel) * pixels + pixel).write(value * gate) };
                }
            }
        });
    };
    // SAFETY: the tasks write all images.
    let out = unsafe { written(sizes.batch * channels * pixels, fill) };
    (out, attended)
}
