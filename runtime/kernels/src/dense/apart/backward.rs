//! The backward pass, for all images at once. As in [`super::super::backward`] every state is recomputed from the one after it.

use super::{CHUNK, DEPTH, columns, grow, line, load, middle_row, read};
use crate::bf16::Activation;
use crate::dense::backward::{Backward, Gradients, Planes};
use crate::dense::compose::StepGradients;
use crate::dense::sizes::Sizes;
use crate::fast::activation::elu_gradient;
use crate::fast::planes::turn;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::scratch::Scratch;
use crate::fast::{Shared, narrow, written};
use crate::vector::sum;
use rayon::prelude::*;

/// The gradients, from the output and its gradient. `middles` are those that the forward pass kept.
pub fn backward(pass: &Backward<'_>, out: Activation<'_>, gradient: &[f32], middles: &[Scratch]) -> Gradients {
    let (gate, shares) = pass.attention(out, gradient);
    let planes = Planes { out, gradient, shares: &shares };
    let (sizes, line) = (pass.sizes, line(pass.sizes));
    let mut state = Scratch::new(sizes.channels() * line);
    let mut gradient = Scratch::new(sizes.channels() * line);
    last_state(pass, planes, [&mut state, &mut gradient]);
    let mut steps = Vec::with_capacity(sizes.steps);
    for (step, middle) in middles.iter().enumerate().rev() {
        let place = read(sizes, step) * line;
        let [(before, own), (before_gradient, own_gradient)] =
            [&mut state, &mut gradient].map(|it| it.split_at_mut(place));
        let grow_bias = appended(sizes, [own, own_gradient]);
        let (middle, grow) = grow::backward(sizes, &pass.steps[step], middle, own_gradient);
        let (squeeze, squeeze_bias) = squeezed(pass, step, &middle, [before, before_gradient]);
        steps.push((StepGradients { squeeze, squeeze_bias, grow }, grow_bias));
    }
    steps.reverse();
    Gradients { x: input_gradient(sizes, &gradient), steps, gate }
}

/// The last state and its gradient, from before attention.
fn last_state(pass: &Backward<'_>, planes: Planes<'_>, [state, gradient]: [&mut [f32]; 2]) {
    let sizes = pass.sizes;
    let (pixels, channels, line) = (sizes.pixels(), sizes.channels(), line(sizes));
    let [state, gradient] = [Shared::new(state), Shared::new(gradient)];
    (0..sizes.batch).into_par_iter().for_each(|image| {
        let range = image * channels * pixels..(image + 1) * channels * pixels;
        let out = planes.out.read(range.clone());
        let each = out.chunks_exact(pixels).zip(planes.gradient[range].chunks_exact(pixels));
        for (channel, (out, out_gradient)) in each.enumerate() {
            let at = image * channels + channel;
            let (gate, share) = (pass.attended.gates[at], planes.shares[at]);
            let inverse = 1.0 / gate;
            // SAFETY: this task alone writes its image's pixels of every plane.
            let [state, gradient] = [state, gradient]
                .map(|it| unsafe { std::slice::from_raw_parts_mut(it.at(channel * line + image * pixels), pixels) });
            state.iter_mut().zip(out).for_each(|(to, value)| *to = value * inverse);
            gradient.iter_mut().zip(out_gradient).for_each(|(to, value)| *to = value * gate + share);
        }
    });
}

/// The step's own channels: converts their gradients to those of ELU's inputs, and sums them over all pixels.
fn appended(sizes: &Sizes, [state, gradient]: [&mut [f32]; 2]) -> Vec<f32> {
    let (line, columns) = (line(sizes), columns(sizes));
    let rows = state.par_chunks_exact_mut(line).zip(gradient.par_chunks_exact_mut(line)).take(sizes.growth);
    let sums = rows.map(|(state, gradient)| {
        // SAFETY: rows with room for whole vectors.
        unsafe { elu_gradient(1, columns, state.as_mut_ptr(), gradient.as_mut_ptr(), line, false) };
        sum(&gradient[..columns]) as f32
    });
    sums.collect()
}

/// The 1x1 convolution: adds to the gradients of the channels that it reads, after undoing ELU, and gives those of its weight and bias.
fn squeezed(
    pass: &Backward<'_>,
    step: usize,
    middle: &[f32],
    [state, gradient]: [&mut [f32]; 2],
) -> (Vec<f32>, Vec<f32>) {
    let (sizes, line, row) = (pass.sizes, line(pass.sizes), middle_row(pass.sizes));
    let (columns, channels, depth) = (columns(sizes), read(sizes, step), sizes.middle);
    let (planes, bias) = middle_planes(sizes, middle);
    let rows = state.par_chunks_mut(CHUNK * line).zip(gradient.par_chunks_mut(CHUNK * line));
    let fill = |weight: Shared| {
        rows.enumerate().for_each(|(task, (state, gradient))| {
            let (first, count) = (task * CHUNK, state.len() / line);
            // SAFETY: rows with room for whole vectors.
            unsafe { elu_gradient(count, columns, state.as_mut_ptr(), gradient.as_mut_ptr(), line, step > 0) };
            if step == 0 {
                load(sizes, pass.x, first, state);
            }
            let mut sums = Scratch::new(count * depth);
            for first_column in (0..columns).step_by(DEPTH) {
                let left = Left { at: state[first_column..].as_ptr(), row: line, column: 1 };
                let (at, next) = (middle[first_column * row..].as_ptr(), (first_column + DEPTH) * row);
                let right = Right { at, row, next: Some(middle.as_ptr().wrapping_add(next)) };
                let out = Out { at: sums.as_mut_ptr(), row: depth };
                // SAFETY: the chunk's planes, and as many pixels of the middle.
                unsafe {
                    product([count, depth, DEPTH.min(columns - first_column)], left, right, out, first_column > 0);
                }
            }
            let left = Left { at: pass.steps[step].squeeze[first..].as_ptr(), row: 1, column: channels };
            let right = Right { at: planes.as_ptr(), row: line, next: None };
            let out = Out { at: gradient.as_mut_ptr(), row: line };
            // SAFETY: the chunk's columns of the weight and planes of the gradient; this task alone writes its columns.
            unsafe {
                product([count, narrow(columns), depth], left, right, out, true);
                turn(sums.as_ptr(), depth, [count, depth], weight.at(first), channels);
            }
        });
    };
    // SAFETY: the tasks write all columns.
    (unsafe { written(depth * channels, fill) }, bias)
}

/// The planes of the gradient of the channels in the middle, and their sums.
fn middle_planes(sizes: &Sizes, middle: &[f32]) -> (Scratch, Vec<f32>) {
    let (line, row, columns) = (line(sizes), middle_row(sizes), columns(sizes));
    let mut planes = Scratch::new(sizes.middle * line);
    let sums = planes.par_chunks_exact_mut(16 * line).enumerate().map(|(task, planes)| {
        // SAFETY: 16 channels of all pixels.
        unsafe { turn(middle[task * 16..].as_ptr(), row, [columns, 16], planes.as_mut_ptr(), line) };
        planes.chunks_exact(line).map(|plane| sum(&plane[..columns]) as f32).collect::<Vec<_>>()
    });
    let sums = sums.collect::<Vec<_>>().concat();
    (planes, sums)
}

/// `[N, input, H, W]`: the gradient of the input.
fn input_gradient(sizes: &Sizes, gradient: &[f32]) -> Vec<f32> {
    let (pixels, line) = (sizes.pixels(), line(sizes));
    let mut out = vec![0.0; sizes.batch * sizes.input * pixels];
    out.par_chunks_exact_mut(sizes.input * pixels).enumerate().for_each(|(image, out)| {
        for (channel, out) in out.chunks_exact_mut(pixels).enumerate() {
            out.copy_from_slice(&gradient[channel * line + image * pixels..][..pixels]);
        }
    });
    out
}
