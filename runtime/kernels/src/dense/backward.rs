//! The backward pass, from only the input and the output: every state is recomputed from the one after it.
//!
//! ELU is invertible. If it was applied at least twice, its output is in (1/e − 1, ∞), where the inverse is
//! well-conditioned. Its derivative follows from its output. The input, to which ELU is applied only once, is stored.

use super::compose::{StepGradients, decompose};
use super::forward::Attended;
use super::gate::{GateGradients, GateValues};
use super::sizes::{CHUNK, Sizes, StepValues};
use crate::fast::activation::elu_gradient;
use crate::fast::planes::{to_pixels, to_pixels_at, to_planes_at, transpose};
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::winograd::{self, POINTS, TAPS};
use crate::fast::{Shared, added, padded, parts_of, scratch::Scratch, written};
use crate::profile::timed;
use rayon::prelude::*;
use std::ops::Range;

/// Tiles in a block of GEMMs.
const TILES: usize = 64;
/// Tiles of a part of the batch at least: each transforms the kernel.
const LEAST: usize = 128;

/// Gradients of a dense layer.
pub struct Gradients {
    pub x: Vec<f32>,
    /// For each step, with the gradient of its grow's bias.
    pub steps: Vec<(StepGradients, Vec<f32>)>,
    pub gate: GateGradients,
}

/// The data shared by the passes.
pub struct Backward<'a> {
    pub sizes: &'a Sizes,
    pub x: &'a [f32],
    pub steps: &'a [StepValues<'a>],
    pub composed: &'a [f32],
    pub gate: &'a GateValues<'a>,
    pub attended: &'a Attended,
}

impl Backward<'_> {
    /// The gradients, from the output and its gradient.
    pub fn run(&self, out: &[f32], gradient: &[f32]) -> Gradients {
        let sizes = self.sizes;
        let (pixels, row) = (sizes.pixels(), sizes.row());
        let mut stack = Scratch::new(sizes.batch * pixels * row);
        let mut stack_gradient = Scratch::new(sizes.batch * pixels * row);
        let gate = self.attention(out, gradient, &mut stack, &mut stack_gradient);
        let mut composed = Scratch::new(self.composed.len());
        let mut biases = vec![Vec::new(); sizes.steps];
        for step in (0..sizes.steps).rev() {
            biases[step] = self.step(step, &mut stack, &mut stack_gradient, &mut composed);
        }
        let steps = timed("dense kernels", || {
            let steps = (0..sizes.steps).into_par_iter().zip(biases).map(|(step, bias)| {
                let composed = &composed[sizes.kernel_start(step)..];
                (decompose(sizes, step, &self.steps[step], composed), bias)
            });
            steps.collect()
        });
        let images = stack_gradient.par_chunks_exact(pixels * row).enumerate();
        let fill = |x: Shared| {
            images.for_each(|(n, from)| {
                // SAFETY: this task alone writes its image.
                unsafe {
                    let to = x.at(n * sizes.input * pixels);
                    to_planes_at(&from[1..], row, [sizes.input, pixels], to);
                }
            });
        };
        // SAFETY: the tasks write all images.
        let x = unsafe { written(sizes.batch * sizes.input * pixels, fill) };
        Gradients { x, steps, gate }
    }

    /// Through attention: the last state and its gradient.
    fn attention(&self, out: &[f32], gradient: &[f32], stack: &mut [f32], stack_gradient: &mut [f32]) -> GateGradients {
        let sizes = self.sizes;
        let (pixels, channels, row) = (sizes.pixels(), sizes.channels(), sizes.row());
        let image = channels * pixels;
        let gates = &self.attended.gates;
        let mut logits = vec![0.0; sizes.batch * channels];
        logits.par_chunks_mut(channels).zip(gates.par_chunks(channels)).enumerate().for_each(|(n, (logits, gates))| {
            let planes = out[n * image..].chunks_exact(pixels).zip(gradient[n * image..].chunks_exact(pixels));
            for ((logit, gate), (out, gradient)) in logits.iter_mut().zip(gates).zip(planes) {
                *logit = super::gate::dot(out, gradient) * (1.0 - gate);
            }
        });
        let mut means = self.attended.means.clone();
        let mut sums = GateGradients::new(self.gate);
        for (means, logits) in means.chunks_exact_mut(channels).zip(logits.chunks_exact(channels)) {
            sums.add(self.gate, logits, means);
        }
        let stacks = stack.par_chunks_exact_mut(pixels * row).zip(stack_gradient.par_chunks_exact_mut(pixels * row));
        stacks.enumerate().for_each(|(n, (stack, stack_gradient))| {
            let (gates, means) = (&gates[n * channels..], &means[n * channels..]);
            let inverse: Vec<f32> = gates[..channels].iter().map(|gate| 1.0 / gate).collect();
            stack.iter_mut().step_by(row).for_each(|constant| *constant = 1.0);
            to_pixels(&out[n * image..][..image], pixels, &mut stack[1..], row, |values| {
                values.iter_mut().zip(&inverse).for_each(|(value, inverse)| *value *= inverse);
            });
            let shares: Vec<f32> = means[..channels].iter().map(|mean| mean / pixels as f32).collect();
            to_pixels(&gradient[n * image..][..image], pixels, &mut stack_gradient[1..], row, |values| {
                for ((value, gate), share) in values.iter_mut().zip(gates).zip(&shares) {
                    *value = *value * gate + share;
                }
            });
        });
        sums
    }

    /// Through one step. Returns the gradient of its bias and fills its part of `composed`.
    fn step(&self, step: usize, stack: &mut [f32], stack_gradient: &mut [f32], composed: &mut [f32]) -> Vec<f32> {
        let sizes = self.sizes;
        let (tiles, wide) = (sizes.tiles(), sizes.wide());
        let point = sizes.batch * tiles.count() * wide + 16;
        let mut products = Scratch::new(POINTS * point);
        let bias = self.appended(step, stack, stack_gradient, &mut products, point);
        let chunks: Vec<_> = sizes.chunks(step).collect();
        let parts = parts_of(chunks.len(), sizes.batch, LEAST.div_ceil(tiles.count()));
        let (size, place) = (sizes.kernel(step), sizes.kernel_start(step));
        let mut kernels = Scratch::new(parts * size);
        let shared = [Shared::new(stack), Shared::new(stack_gradient), Shared::new(&mut kernels)];
        let products = &*products;
        (0..parts * chunks.len()).into_par_iter().for_each(|task| {
            let ((_, first, count), part) = (chunks[task % chunks.len()], task / chunks.len());
            let images = part * sizes.batch / parts..(part + 1) * sizes.batch / parts;
            self.chunk(step, [first, count], (images, part), shared, products, point);
        });
        added(&mut kernels, size);
        composed[place..place + size].copy_from_slice(&kernels[..size]);
        bias
    }

    /// Converts the gradients of a step's own channels to points. Returns their sums.
    fn appended(
        &self,
        step: usize,
        stack: &mut [f32],
        stack_gradient: &mut [f32],
        products: &mut [f32],
        point: usize,
    ) -> Vec<f32> {
        let sizes = self.sizes;
        let (tiles, wide, before, row) = (sizes.tiles(), sizes.wide(), sizes.before(step), sizes.row());
        let outside = vec![0.0f32; wide];
        let shared = Shared::new(products);
        let image = sizes.pixels() * row;
        let images = stack.par_chunks_exact_mut(image).zip(stack_gradient.par_chunks_exact_mut(image));
        let sums: Vec<Vec<f32>> = images
            .enumerate()
            .map(|(n, (stack, gradient))| {
                let (value, at) = (stack[before..].as_mut_ptr(), gradient[before..].as_mut_ptr());
                // SAFETY: the step's channels of every pixel; their padding belongs to later steps, which are done.
                unsafe { elu_gradient(sizes.pixels(), wide, value, at, row, false) };
                for tile in 0..tiles.count() {
                    let from = tiles.outputs(tile, at, outside.as_ptr().cast_mut()).map(|place| place.cast_const());
                    // SAFETY: rows of this image's tiles, which only this task writes.
                    unsafe {
                        let to = shared.at((n * tiles.count() + tile) * wide);
                        winograd::output_gradient(&from, wide, to, point);
                    }
                }
                let mut sum = vec![0.0; sizes.growth];
                for pixel in gradient.chunks_exact(row) {
                    sum.iter_mut().zip(&pixel[before..]).for_each(|(sum, value)| *sum += value);
                }
                sum
            })
            .collect();
        let mut total = vec![0.0; sizes.growth];
        for sum in sums {
            total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
        }
        total
    }

    /// Some images, some of the channels that a step reads: their gradients, and those of their rows of the kernel, of which each part of
    /// the images has its own.
    fn chunk(
        &self,
        step: usize,
        [first, count]: [usize; 2],
        (images, part): (Range<usize>, usize),
        [stack, stack_gradient, kernels_gradient]: [Shared; 3],
        products: &[f32],
        point: usize,
    ) {
        let sizes = self.sizes;
        let (tiles, wide, before, row) = (sizes.tiles(), sizes.wide(), sizes.before(step), sizes.row());
        let (pixels, columns, group) = (sizes.pixels(), padded(count), sizes.group(TILES));
        let kernels = self.transposed_points(step, [first, count]);
        let input_point = TILES * CHUNK + 16;
        let mut inputs = Scratch::new(POINTS * input_point);
        let mut gradients = Scratch::new(POINTS * input_point);
        let mut sums = Scratch::new(POINTS * CHUNK * wide);
        let outside = [0.0f32; CHUNK];
        let mut ignored = outside;
        let mut started = false;
        for image in images.clone().step_by(group) {
            let images = group.min(images.end - image);
            // SAFETY: this task alone touches its channels of its images' stack and gradient.
            let (values, at) =
                unsafe { (stack.at(image * tiles.image() + first), stack_gradient.at(image * tiles.image() + first)) };
            // SAFETY: as above; rows have space for whole vectors.
            unsafe { elu_gradient(images * pixels, columns, values, at, row, step > 0) };
            if step == 0 {
                self.restore([image, images], [first, count], values);
            }
            for first_tile in (0..images * tiles.count()).step_by(TILES) {
                let block = TILES.min(images * tiles.count() - first_tile);
                for tile in 0..block {
                    let from = tiles.inputs(first_tile + tile, values, outside.as_ptr());
                    // SAFETY: pixels of this chunk, and the tile's place among the inputs.
                    unsafe { winograd::input(&from, columns, inputs[tile * CHUNK..].as_mut_ptr(), input_point) };
                }
                for at in 0..POINTS {
                    let products = &products[at * point + (image * tiles.count() + first_tile) * wide..];
                    let here = inputs[at * input_point..].as_ptr();
                    // SAFETY: `block` tiles of `count` inputs and of `wide` products; `growth` rows of kernels.
                    unsafe {
                        let left = Left { at: here, row: 1, column: CHUNK };
                        let right = Right { at: products.as_ptr(), row: wide };
                        let out = Out { at: sums[at * CHUNK * wide..].as_mut_ptr(), row: wide };
                        product([count, wide, block], left, right, out, started);
                        let left = Left { at: products.as_ptr(), row: wide, column: 1 };
                        let right = Right { at: kernels[at * sizes.growth * CHUNK..].as_ptr(), row: CHUNK };
                        let out = Out { at: gradients[at * input_point..].as_mut_ptr(), row: CHUNK };
                        product([block, columns, sizes.growth], left, right, out, false);
                    }
                }
                for tile in 0..block {
                    let to = tiles.inputs(first_tile + tile, at, ignored.as_mut_ptr()).map(<*const f32>::cast_mut);
                    // SAFETY: pixels of this chunk's gradient.
                    unsafe { winograd::input_gradient(gradients[tile * CHUNK..].as_ptr(), input_point, columns, &to) };
                }
                started = true;
            }
        }
        // SAFETY: this task alone writes its rows of its part's gradient.
        unsafe {
            let to = kernels_gradient.at(part * sizes.kernel(step) + first * wide);
            winograd::kernels_gradient(sums.as_ptr(), CHUNK * wide, count * wide, to, before * wide);
        }
    }

    /// Restores the input in the place of the first step's chunk of the state.
    fn restore(&self, [image, images]: [usize; 2], [first, count]: [usize; 2], stack: *mut f32) {
        let sizes = self.sizes;
        let (pixels, row) = (sizes.pixels(), sizes.row());
        let constant = usize::from(first == 0);
        if count == constant {
            return;
        }
        for n in 0..images {
            let planes = &self.x[((image + n) * sizes.input + first + constant - 1) * pixels..];
            // SAFETY: this chunk's channels of the image's pixels.
            unsafe {
                let to = stack.add(n * pixels * row + constant);
                to_pixels_at(&planes[..(count - constant) * pixels], pixels, to, row);
            }
        }
    }

    /// `[36, growth, CHUNK]`: the points of the kernel's rows, transposed.
    fn transposed_points(&self, step: usize, [first, count]: [usize; 2]) -> Scratch {
        let sizes = self.sizes;
        let (wide, before, growth) = (sizes.wide(), sizes.before(step), sizes.growth);
        let mut turned = Scratch::new(TAPS * growth * CHUNK);
        let mut strip = Scratch::new(growth * count);
        for tap in 0..TAPS {
            let from = &self.composed[sizes.kernel_start(step) + (tap * before + first) * wide..];
            transpose(from, wide, [count, growth], &mut strip);
            for (to, from) in turned[tap * growth * CHUNK..].chunks_exact_mut(CHUNK).zip(strip.chunks_exact(count)) {
                to[..count].copy_from_slice(from);
            }
        }
        let mut out = Scratch::new(POINTS * growth * CHUNK);
        // SAFETY: whole rows of CHUNK values for each tap and each point.
        unsafe {
            let to = out.as_mut_ptr();
            winograd::kernels(turned.as_ptr(), growth * CHUNK, growth * CHUNK, to, growth * CHUNK);
        }
        out
    }
}
