//! A task processes some channels of many images, one step after the other. Only this task writes their gradient and their
//! rows of the kernel's gradient.

use super::{Backward, Images, Parts, Planes, Products, TILES};
use crate::dense::sizes::{CHUNK, Sizes};
use crate::fast::planes::to_planes_at;
use crate::fast::winograd::POINTS;
use crate::fast::{Shared, added, parts_of, scratch::Scratch, written};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles of a part of the batch at least: each transforms the kernel.
const LEAST: usize = 128;
/// Values of the state in memory at most, except that of one image. Its gradient has as many.
const AT_ONCE: usize = 1 << 23;

pub fn run(pass: &Backward<'_>, planes: Planes<'_>) -> Parts {
    let sizes = pass.sizes;
    let (pixels, row, image, at_once) = (sizes.pixels(), sizes.row(), sizes.tiles().image(), at_once(sizes));
    let (mut state, mut gradient) = (Scratch::new(at_once * image), Scratch::new(at_once * image));
    let mut composed = Scratch::new(pass.composed.len());
    let mut biases = vec![vec![0.0; sizes.growth]; sizes.steps];
    let fill = |x: Shared| {
        for first in (0..sizes.batch).step_by(at_once) {
            let images = first..sizes.batch.min(first + at_once);
            let each = state.par_chunks_exact_mut(image).zip(gradient.par_chunks_exact_mut(image)).take(images.len());
            each.enumerate().for_each(|(n, (state, gradient))| pass.last_state(first + n, planes, state, gradient));
            for (step, bias) in biases.iter_mut().enumerate().rev() {
                run_step(pass, (step, &images), [&mut state, &mut gradient], &mut composed, bias);
            }
            gradient.par_chunks_exact(image).take(images.len()).enumerate().for_each(|(n, from)| {
                let place = (first + n) * sizes.input * pixels;
                // SAFETY: this task alone writes its image.
                unsafe { to_planes_at(&from[1..], row, [sizes.input, pixels], x.at(place)) };
            });
        }
    };
    // SAFETY: the tasks write all images.
    let x = unsafe { written(sizes.batch * sizes.input * pixels, fill) };
    Parts { x, composed, biases }
}

/// The images whose state is in memory at once.
pub fn at_once(sizes: &Sizes) -> usize {
    let groups = (sizes.batch * sizes.tiles().image()).div_ceil(AT_ONCE);
    sizes.batch.div_ceil(groups.max(1)).max(1)
}

/// Some images through one step. Adds to the gradients of its bias and, unless they are the first images, of its part of `composed`.
fn run_step(
    pass: &Backward<'_>,
    (step, images): (usize, &Range<usize>),
    [state, gradient]: [&mut [f32]; 2],
    composed: &mut [f32],
    bias: &mut [f32],
) {
    let sizes = pass.sizes;
    let (tiles, count) = (sizes.tiles(), images.len());
    let point = count * tiles.count() * sizes.wide() + 16;
    let mut products = Scratch::new(POINTS * point);
    appended(pass, (step, count), [state, gradient], (&mut products, point), bias);
    let chunks: Vec<_> = sizes.chunks(step).collect();
    let parts = parts_of(chunks.len(), count, LEAST.div_ceil(tiles.count()));
    let (size, place) = (sizes.kernel(step), sizes.kernel_start(step));
    let mut kernels = Scratch::new(parts * size);
    let shared = [Shared::new(state), Shared::new(gradient), Shared::new(&mut kernels)];
    let products = (&*products, point);
    (0..parts * chunks.len()).into_par_iter().for_each(|task| {
        let ((_, first, channels), part) = (chunks[task % chunks.len()], task / chunks.len());
        let own = part * count / parts..(part + 1) * count / parts;
        run_chunk(pass, step, [first, channels], (images.start, own, part), shared, products);
    });
    added(&mut kernels, size);
    let composed = &mut composed[place..place + size];
    if images.start == 0 {
        composed.copy_from_slice(&kernels[..size]);
    } else {
        composed.par_iter_mut().zip(&kernels[..size]).for_each(|(sum, value)| *sum += value);
    }
}

/// The points of a step's own channels in `count` images. Adds to the gradient of its bias.
fn appended(
    pass: &Backward<'_>,
    (step, count): (usize, usize),
    [state, gradient]: [&mut [f32]; 2],
    (products, point): (&mut [f32], usize),
    bias: &mut [f32],
) {
    let sizes = pass.sizes;
    let (image, tiles) = (sizes.tiles().image(), sizes.tiles().count() * sizes.wide());
    let shared = Shared::new(products);
    let images = state.par_chunks_exact_mut(image).zip(gradient.par_chunks_exact_mut(image)).take(count);
    let sums = images.enumerate().map(|(n, (state, gradient))| {
        let mut sum = vec![0.0; sizes.growth];
        // SAFETY: this task's image and its tiles' rows.
        unsafe {
            pass.appended(step, [state.as_mut_ptr(), gradient.as_mut_ptr()], shared.at(n * tiles), point, &mut sum);
        }
        sum
    });
    for sum in sums.collect::<Vec<_>>() {
        bias.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
    }
}

/// Some images, some of the channels that a step reads: their gradients, and those of their rows of the kernel, of which each
/// part of the images has its own.
fn run_chunk(
    pass: &Backward<'_>,
    step: usize,
    [first, count]: [usize; 2],
    (start, images, part): (usize, Range<usize>, usize),
    [state, gradient, kernels_gradient]: [Shared; 3],
    (products, point): (&[f32], usize),
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
            let group = Images { first: start + image, count: group.min(images.end - image), state, gradient };
            pass.chunk(step, [first, count], group, products, &kernels, (&mut sums, image > images.start));
        }
    }
    // SAFETY: this task alone writes its rows of its part's gradient.
    unsafe { pass.kernel_rows(step, [first, count], &sums, kernels_gradient.at(part * sizes.kernel(step))) };
}
