//! A task processes some channels of many images, one step after the other. Only this task writes their gradient and their
//! rows of the kernel's gradient.

use super::{Backward, Images, Parts, Planes, Products, TILES};
use crate::dense::sizes::CHUNK;
use crate::fast::planes::to_planes_at;
use crate::fast::winograd::POINTS;
use crate::fast::{Shared, added, parts_of, scratch::Scratch, written};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles of a part of the batch at least: each transforms the kernel.
const LEAST: usize = 128;

pub fn run(pass: &Backward<'_>, planes: Planes<'_>) -> Parts {
    let sizes = pass.sizes;
    let (pixels, row) = (sizes.pixels(), sizes.row());
    let mut state = Scratch::new(sizes.batch * pixels * row);
    let mut gradient = Scratch::new(sizes.batch * pixels * row);
    let images = state.par_chunks_exact_mut(pixels * row).zip(gradient.par_chunks_exact_mut(pixels * row));
    images.enumerate().for_each(|(n, (state, gradient))| pass.last_state(n, planes, state, gradient));
    let mut composed = Scratch::new(pass.composed.len());
    let mut biases = vec![Vec::new(); sizes.steps];
    for step in (0..sizes.steps).rev() {
        biases[step] = run_step(pass, step, [&mut state, &mut gradient], &mut composed);
    }
    let images = gradient.par_chunks_exact(pixels * row).enumerate();
    let fill = |x: Shared| {
        images.for_each(|(n, from)| {
            // SAFETY: this task alone writes its image.
            unsafe { to_planes_at(&from[1..], row, [sizes.input, pixels], x.at(n * sizes.input * pixels)) };
        });
    };
    // SAFETY: the tasks write all images.
    let x = unsafe { written(sizes.batch * sizes.input * pixels, fill) };
    Parts { x, composed, biases }
}

/// Through one step. Returns the gradient of its bias and fills its part of `composed`.
fn run_step(pass: &Backward<'_>, step: usize, [state, gradient]: [&mut [f32]; 2], composed: &mut [f32]) -> Vec<f32> {
    let sizes = pass.sizes;
    let tiles = sizes.tiles();
    let point = sizes.batch * tiles.count() * sizes.wide() + 16;
    let mut products = Scratch::new(POINTS * point);
    let bias = appended(pass, step, [state, gradient], &mut products, point);
    let chunks: Vec<_> = sizes.chunks(step).collect();
    let parts = parts_of(chunks.len(), sizes.batch, LEAST.div_ceil(tiles.count()));
    let (size, place) = (sizes.kernel(step), sizes.kernel_start(step));
    let mut kernels = Scratch::new(parts * size);
    let shared = [Shared::new(state), Shared::new(gradient), Shared::new(&mut kernels)];
    let products = &*products;
    (0..parts * chunks.len()).into_par_iter().for_each(|task| {
        let ((_, first, count), part) = (chunks[task % chunks.len()], task / chunks.len());
        let images = part * sizes.batch / parts..(part + 1) * sizes.batch / parts;
        run_chunk(pass, step, [first, count], (images, part), shared, products, point);
    });
    added(&mut kernels, size);
    composed[place..place + size].copy_from_slice(&kernels[..size]);
    bias
}

/// The points of a step's own channels in all images. Returns the gradient of its bias.
fn appended(
    pass: &Backward<'_>,
    step: usize,
    [state, gradient]: [&mut [f32]; 2],
    products: &mut [f32],
    point: usize,
) -> Vec<f32> {
    let sizes = pass.sizes;
    let (image, tiles) = (sizes.pixels() * sizes.row(), sizes.tiles().count() * sizes.wide());
    let shared = Shared::new(products);
    let images = state.par_chunks_exact_mut(image).zip(gradient.par_chunks_exact_mut(image));
    let sums = images.enumerate().map(|(n, (state, gradient))| {
        let mut sum = vec![0.0; sizes.growth];
        // SAFETY: this task's image and its tiles' rows.
        unsafe {
            pass.appended(step, [state.as_mut_ptr(), gradient.as_mut_ptr()], shared.at(n * tiles), point, &mut sum);
        }
        sum
    });
    let mut total = vec![0.0; sizes.growth];
    for sum in sums.collect::<Vec<_>>() {
        total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
    }
    total
}

/// Some images, some of the channels that a step reads: their gradients, and those of their rows of the kernel, of which each
/// part of the images has its own.
fn run_chunk(
    pass: &Backward<'_>,
    step: usize,
    [first, count]: [usize; 2],
    (images, part): (Range<usize>, usize),
    [state, gradient, kernels_gradient]: [Shared; 3],
    products: &[f32],
    point: usize,
) {
    let sizes = pass.sizes;
    let (tiles, wide, group) = (sizes.tiles(), sizes.wide(), sizes.group(TILES));
    let kernels = pass.transposed_points(step, [first, count]);
    let mut sums = Scratch::new(POINTS * CHUNK * wide);
    for image in images.clone().step_by(group) {
        let products = Products { at: products[image * tiles.count() * wide..].as_ptr(), point };
        // SAFETY: this task alone touches its channels of its images' state and gradient.
        unsafe {
            let (state, gradient) = (state.at(image * tiles.image()), gradient.at(image * tiles.image()));
            let group = Images { first: image, count: group.min(images.end - image), state, gradient };
            pass.chunk(step, [first, count], group, products, &kernels, (&mut sums, image > images.start));
        }
    }
    // SAFETY: this task alone writes its rows of its part's gradient.
    unsafe { pass.kernel_rows(step, [first, count], &sums, kernels_gradient.at(part * sizes.kernel(step))) };
}
