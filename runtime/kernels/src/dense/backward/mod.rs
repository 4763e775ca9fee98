//! The backward pass, from only the input and the output: every state is recomputed from the one after it.
//!
//! ELU is invertible. If it was applied at least twice, its output is in (1/e − 1, ∞), where the inverse is
//! well-conditioned. Its derivative follows from its output. The input, to which ELU is applied only once, is stored.
//!
//! The work is divided in one of two ways, which depends on the layer's sizes alone: by channels if there are many
//! ([`by_channels`]), by images if a step appends few channels to many pixels ([`by_images`]).

mod by_channels;
mod by_images;

use super::compose::{StepGradients, decompose};
use super::forward::Attended;
use super::gate::{GateGradients, GateValues};
use super::sizes::{CHUNK, Sizes, StepValues};
use crate::bf16::Activation;
use crate::fast::activation::elu_gradient;
use crate::fast::planes::{to_pixels, to_pixels_at, transpose};
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::winograd::{self, POINTS, TAPS};
use crate::fast::{padded, scratch::Scratch};
use crate::profile::timed;
use rayon::prelude::*;

/// Tiles in a block of GEMMs.
const TILES: usize = 32;
/// The distance of two points of a block's inputs; not a power of two, for which they would use the same few cache lines.
const INPUT_POINT: usize = TILES * CHUNK + 16;

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
    pub x: Activation<'a>,
    pub steps: &'a [StepValues<'a>],
    /// The composed kernels; none if the convolutions are computed apart.
    pub composed: &'a [f32],
    pub gate: &'a GateValues<'a>,
    pub attended: &'a Attended,
}

/// The layer's output and its gradient as planes, and for every image and channel the share of each pixel in the gradient
/// of the channel's mean.
#[derive(Clone, Copy)]
pub struct Planes<'a> {
    pub out: Activation<'a>,
    pub gradient: &'a [f32],
    pub shares: &'a [f32],
}

/// Gradients of the input, of the composed kernels, and of every step's bias.
struct Parts {
    x: Vec<f32>,
    composed: Scratch,
    biases: Vec<Vec<f32>>,
}

/// State and gradient of some images, pixel-major.
#[derive(Clone, Copy)]
struct Images {
    first: usize,
    count: usize,
    state: *mut f32,
    gradient: *mut f32,
}

/// Points of the gradients of the step's own channels, `[36][tiles, wide]`.
#[derive(Clone, Copy)]
struct Products {
    at: *const f32,
    point: usize,
}

impl Backward<'_> {
    /// The gradients, from the output and its gradient.
    pub fn run(&self, out: Activation<'_>, gradient: &[f32]) -> Gradients {
        let (gate, shares) = self.attention(out, gradient);
        let planes = Planes { out, gradient, shares: &shares };
        let divided = by_images::parts(self.sizes);
        let Parts { x, composed, biases } =
            divided.map_or_else(|| by_channels::run(self, planes), |parts| by_images::run(self, planes, parts));
        let steps = timed("dense kernels", || {
            let steps = (0..self.sizes.steps).into_par_iter().zip(biases).map(|(step, bias)| {
                let composed = &composed[self.sizes.kernel_start(step)..];
                (decompose(self.sizes, step, &self.steps[step], composed), bias)
            });
            steps.collect()
        });
        Gradients { x, steps, gate }
    }

    /// The gradients of attention's weights, and the shares of [`Planes`].
    pub fn attention(&self, out: Activation<'_>, gradient: &[f32]) -> (GateGradients, Vec<f32>) {
        let sizes = self.sizes;
        let (pixels, channels) = (sizes.pixels(), sizes.channels());
        let image = channels * pixels;
        let gates = &self.attended.gates;
        let mut logits = vec![0.0; sizes.batch * channels];
        logits.par_chunks_mut(channels).zip(gates.par_chunks(channels)).enumerate().for_each(|(n, (logits, gates))| {
            let out = out.read(n * image..(n + 1) * image);
            let planes = out.chunks_exact(pixels).zip(gradient[n * image..].chunks_exact(pixels));
            for ((logit, gate), (out, gradient)) in logits.iter_mut().zip(gates).zip(planes) {
                *logit = super::gate::dot(out, gradient) * (1.0 - gate);
            }
        });
        let mut means = self.attended.means.clone();
        let mut sums = GateGradients::new(self.gate);
        for (means, logits) in means.chunks_exact_mut(channels).zip(logits.chunks_exact(channels)) {
            sums.add(self.gate, logits, means);
        }
        means.iter_mut().for_each(|mean| *mean /= pixels as f32);
        (sums, means)
    }

    /// The last state of an image and its gradient, from before attention.
    fn last_state(&self, n: usize, planes: Planes<'_>, state: &mut [f32], state_gradient: &mut [f32]) {
        let sizes = self.sizes;
        let (pixels, channels, row) = (sizes.pixels(), sizes.channels(), sizes.row());
        let (gates, shares) = (&self.attended.gates[n * channels..][..channels], &planes.shares[n * channels..]);
        let inverse: Vec<f32> = gates.iter().map(|gate| 1.0 / gate).collect();
        let image = n * channels * pixels..(n + 1) * channels * pixels;
        state.iter_mut().step_by(row).for_each(|constant| *constant = 1.0);
        to_pixels(&planes.out.read(image.clone()), pixels, &mut state[1..], row, |values| {
            values.iter_mut().zip(&inverse).for_each(|(value, inverse)| *value *= inverse);
        });
        to_pixels(&planes.gradient[image], pixels, &mut state_gradient[1..], row, |values| {
            for ((value, gate), share) in values.iter_mut().zip(gates).zip(shares) {
                *value = *value * gate + share;
            }
        });
    }

    /// Converts the gradients of a step's own channels of an image to points of its tiles. Adds their sums to `bias`.
    ///
    /// # Safety
    /// The image's state and gradient, and its tiles' places among the points, belong to the caller alone.
    unsafe fn appended(&self, step: usize, image: [*mut f32; 2], to: *mut f32, point: usize, bias: &mut [f32]) {
        let sizes = self.sizes;
        let (tiles, wide, before, row) = (sizes.tiles(), sizes.wide(), sizes.before(step), sizes.row());
        let outside = vec![0.0f32; wide];
        // SAFETY: the step's channels of every pixel; their padding belongs to later steps, which are done.
        unsafe {
            let [state, gradient] = image.map(|image| image.add(before));
            elu_gradient(sizes.pixels(), wide, state, gradient, row, false);
            for tile in 0..tiles.count() {
                let from = tiles.outputs(tile, gradient, outside.as_ptr().cast_mut()).map(|place| place.cast_const());
                winograd::output_gradient(&from, wide, to.add(tile * wide), point);
            }
            for pixel in 0..sizes.pixels() {
                let values = std::slice::from_raw_parts(gradient.add(pixel * row), sizes.growth);
                bias.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
    }

    /// Some of the channels that a step reads: the gradients of some images', and those of their rows of the kernel as points,
    /// `[36, CHUNK, wide]`, which are added to `sums` if there is something in them. `kernels` are [`Self::transposed_points`].
    ///
    /// # Safety
    /// The channels of the images' state and gradient belong to the caller alone, whole vectors of them.
    unsafe fn chunk(
        &self,
        step: usize,
        [first, count]: [usize; 2],
        images: Images,
        products: Products,
        kernels: &[f32],
        (sums, add): (&mut [f32], bool),
    ) {
        let sizes = self.sizes;
        let (tiles, wide, row, columns) = (sizes.tiles(), sizes.wide(), sizes.row(), padded(count));
        // The inputs' points; each is followed in its place by its gradient.
        let mut inputs = Scratch::new(POINTS * INPUT_POINT);
        let outside = [0.0f32; CHUNK];
        let mut ignored = outside;
        // SAFETY: the caller's channels of the images; rows have space for whole vectors.
        let (state, at) = unsafe { (images.state.add(first), images.gradient.add(first)) };
        // SAFETY: as above.
        unsafe { elu_gradient(images.count * sizes.pixels(), columns, state, at, row, step > 0) };
        if step == 0 {
            self.restore([images.first, images.count], [first, count], state);
        }
        for first_tile in (0..images.count * tiles.count()).step_by(TILES) {
            let block = TILES.min(images.count * tiles.count() - first_tile);
            for tile in 0..block {
                let from = tiles.inputs(first_tile + tile, state, outside.as_ptr());
                // SAFETY: pixels of this chunk, and the tile's place among the inputs.
                unsafe { winograd::input(&from, columns, inputs[tile * CHUNK..].as_mut_ptr(), INPUT_POINT) };
            }
            for at in 0..POINTS {
                let kernel = |at: usize| kernels.as_ptr().wrapping_add(at * sizes.growth * CHUNK);
                let here = inputs[at * INPUT_POINT..].as_mut_ptr();
                // SAFETY: `block` tiles of `count` inputs and of `wide` products; `growth` rows of kernels.
                unsafe {
                    let products = products.at.add(at * products.point + first_tile * wide);
                    let left = Left { at: here, row: 1, column: CHUNK };
                    let right = Right { at: products, row: wide, next: Some(kernel(at)) };
                    let out = Out { at: sums[at * CHUNK * wide..].as_mut_ptr(), row: wide };
                    product([count, wide, block], left, right, out, add || first_tile > 0);
                    let left = Left { at: products, row: wide, column: 1 };
                    let right = Right {
                        at: kernel(at),
                        row: CHUNK,
                        next: Some(sums.as_ptr().wrapping_add((at + 1) * CHUNK * wide)),
                    };
                    let out = Out { at: here, row: CHUNK };
                    product([block, columns, sizes.growth], left, right, out, false);
                }
            }
            for tile in 0..block {
                let to = tiles.inputs(first_tile + tile, at, ignored.as_mut_ptr()).map(<*const f32>::cast_mut);
                // SAFETY: pixels of this chunk's gradient.
                unsafe { winograd::input_gradient(inputs[tile * CHUNK..].as_ptr(), INPUT_POINT, columns, &to) };
            }
        }
    }

    /// The gradient of a chunk's rows of the composed kernel, whose step begins at `to`, from its points.
    ///
    /// # Safety
    /// The rows belong to the caller alone.
    unsafe fn kernel_rows(&self, step: usize, [first, count]: [usize; 2], sums: &[f32], to: *mut f32) {
        let (wide, before) = (self.sizes.wide(), self.sizes.before(step));
        // SAFETY: the rows of each tap.
        unsafe {
            winograd::kernels_gradient(sums.as_ptr(), CHUNK * wide, count * wide, to.add(first * wide), before * wide);
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
            let start = ((image + n) * sizes.input + first + constant - 1) * pixels;
            let planes = self.x.read(start..start + (count - constant) * pixels);
            // SAFETY: this chunk's channels of the image's pixels.
            unsafe {
                let to = stack.add(n * pixels * row + constant);
                to_pixels_at(&planes, pixels, to, row);
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

#[cfg(test)]
mod tests;
