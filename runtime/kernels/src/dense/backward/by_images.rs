//! A task processes a few images at a time through all steps, so that their state and its gradient stay in the cache. Each
//! task has its own sums of the kernels' gradients, for all steps.

use super::{Backward, Images, Parts, Planes, Products, TILES};
use crate::dense::sizes::{CHUNK, Sizes};
use crate::fast::planes::to_planes_at;
use crate::fast::winograd::POINTS;
use crate::fast::{Shared, added, parts_of, scratch::Scratch, written};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles of a part of the batch at least: each transforms the gradients of all kernels.
const LEAST: usize = 64;
/// Values of a task's sums at most. More than a few megabytes would take the place of the state in the cache.
const MOST: usize = 1 << 19;
/// Values of the batch's state at least. A smaller one stays in the cache anyway.
const LARGE: usize = 1 << 18;

/// The parts of the batch, if it is worth to divide it.
pub fn parts(sizes: &Sizes) -> Option<usize> {
    let sums = sizes.all_chunks().len() * POINTS * CHUNK * sizes.wide();
    let parts = parts_of(1, sizes.batch, LEAST.div_ceil(sizes.tiles().count()));
    (sums <= MOST && sizes.batch * sizes.tiles().image() >= LARGE && parts > 1).then_some(parts)
}

/// Everything of one part: its images, its composed kernels' gradients, and those of its biases.
struct Part<'a> {
    images: Range<usize>,
    composed: &'a mut [f32],
    biases: &'a mut [f32],
}

pub fn run(pass: &Backward<'_>, planes: Planes<'_>, parts: usize) -> Parts {
    let sizes = pass.sizes;
    let (growth, size) = (sizes.growth, pass.composed.len());
    let chunks = sizes.all_chunks();
    let kernels: Vec<Scratch> =
        chunks.par_iter().map(|&(step, first, count)| pass.transposed_points(step, [first, count])).collect();
    let mut composed = Scratch::new(parts * size);
    let mut biases = vec![0.0; parts * sizes.steps * growth];
    let fill = |x: Shared| {
        let each = composed.par_chunks_exact_mut(size).zip(biases.par_chunks_exact_mut(sizes.steps * growth));
        each.enumerate().for_each(|(part, (composed, biases))| {
            let images = part * sizes.batch / parts..(part + 1) * sizes.batch / parts;
            run_part(pass, planes, &chunks, &kernels, Part { images, composed, biases }, x);
        });
    };
    // SAFETY: the parts are all images.
    let x = unsafe { written(sizes.batch * sizes.input * sizes.pixels(), fill) };
    added(&mut composed, size);
    added(&mut biases, sizes.steps * growth);
    let biases = biases.chunks_exact(growth).take(sizes.steps).map(<[f32]>::to_vec).collect();
    Parts { x, composed, biases }
}

/// All images of a part, a group after the other.
fn run_part(
    pass: &Backward<'_>,
    planes: Planes<'_>,
    chunks: &[(usize, usize, usize)],
    kernels: &[Scratch],
    part: Part<'_>,
    x: Shared,
) {
    let sizes = pass.sizes;
    let (tiles, wide, pixels, row) = (sizes.tiles(), sizes.wide(), sizes.pixels(), sizes.row());
    let (group, image, chunk) = (sizes.group(TILES), tiles.image(), POINTS * CHUNK * wide);
    let point = group * tiles.count() * wide + 16;
    let (mut state, mut gradient) = (Scratch::new(group * image), Scratch::new(group * image));
    let (mut products, mut sums) = (Scratch::new(POINTS * point), Scratch::new(chunks.len() * chunk));
    for first in part.images.clone().step_by(group) {
        let count = group.min(part.images.end - first);
        let each = state.chunks_exact_mut(image).zip(gradient.chunks_exact_mut(image)).take(count);
        each.enumerate().for_each(|(n, (state, gradient))| pass.last_state(first + n, planes, state, gradient));
        let images = Images { first, count, state: state.as_mut_ptr(), gradient: gradient.as_mut_ptr() };
        for step in (0..sizes.steps).rev() {
            for n in 0..count {
                let bias = &mut part.biases[step * sizes.growth..][..sizes.growth];
                // SAFETY: the group's images and its tiles' rows.
                unsafe {
                    let image = [images.state, images.gradient].map(|at| at.add(n * image));
                    let to = products.as_mut_ptr().add(n * tiles.count() * wide);
                    pass.appended(step, image, to, point, bias);
                }
            }
            let own = chunks.iter().zip(kernels).zip(sums.chunks_exact_mut(chunk)).filter(|((it, _), _)| it.0 == step);
            for ((&(_, from, channels), kernels), sums) in own {
                let products = Products { at: products.as_ptr(), point };
                // SAFETY: the group's images.
                unsafe {
                    pass.chunk(step, [from, channels], images, products, kernels, (sums, first > part.images.start));
                }
            }
        }
        for (n, from) in gradient.chunks_exact(image).take(count).enumerate() {
            // SAFETY: this task alone writes its part's images.
            unsafe { to_planes_at(&from[1..], row, [sizes.input, pixels], x.at((first + n) * sizes.input * pixels)) };
        }
    }
    for (&(step, from, channels), sums) in chunks.iter().zip(sums.chunks_exact(chunk)) {
        // SAFETY: the rows of the chunk in the part's gradients.
        unsafe {
            let to = part.composed[sizes.kernel_start(step)..].as_mut_ptr();
            pass.kernel_rows(step, [from, channels], sums, to);
        }
    }
}
