//! The f32 kernels for arbitrary strides: one GEMM per tap, over the pixels that it reads, in place.

use super::geometry::Geometry;
use crate::fast::planes::{to_pixels, to_planes, to_planes_at};
use crate::fast::product::gathered;
use crate::fast::{Shared, padded, scratch::Scratch, written};
use rayon::prelude::*;

/// Pixels per GEMM. With its depth and a panel they fit into the L2 cache.
const PIXELS: usize = 256;
/// The minimum number of groups of images, if possible, so that every core has work.
const GROUPS: usize = 4;
/// Columns of a panel of the packed weight.
pub const PANEL: usize = 64;
/// Channels of a weight's gradient per task.
const CHUNK: usize = 48;
/// The depth of one product.
const DEPTH: usize = 256;

impl Geometry {
    fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    fn area(&self) -> usize {
        self.height * self.width
    }

    /// The number of images processed together, so that there are at least `least` tasks if an image has `each`.
    pub fn group(&self, least: usize, each: usize) -> usize {
        least.div_ceil(each.max(1)).min(self.batch.div_ceil(GROUPS)).max(1)
    }

    /// For each tap that is seen, the places of all pairs of an input and an output pixel in `images` images. A pixel's row has
    /// `[input, output]` values.
    fn pairs(&self, images: usize, [input_row, output_row]: [usize; 2]) -> Vec<Vec<[usize; 2]>> {
        let taps = 0..self.seen;
        let pairs =
            taps.into_par_iter().map(|tap| {
                let dx = tap % self.kernel;
                let (first, end) = self.columns(dx);
                let mut pairs = Vec::with_capacity(images * self.pixels());
                for (image, y) in (0..images).flat_map(|image| (0..self.out_height).map(move |y| (image, y))) {
                    let row = y * self.stride + tap / self.kernel;
                    if row < self.padding || row - self.padding >= self.height {
                        continue;
                    }
                    let input = image * self.area() + (row - self.padding) * self.width;
                    let output = (image * self.out_height + y) * self.out_width;
                    pairs.extend((first..end).map(|x| {
                        [(input + x * self.stride + dx - self.padding) * input_row, (output + x) * output_row]
                    }));
                }
                pairs
            });
        pairs.collect()
    }

    /// The weight in panels of columns, each `[taps, rows, columns padded]`: a filter's channels along a column, or
    /// transposed along a row. `place` gives the place of a tap. Only taps that are seen are there.
    pub fn packed(&self, weight: &[f32], turned: bool, place: impl Fn(usize) -> usize + Sync) -> Scratch {
        let (all, taps, filters, channels) = (self.taps(), self.seen, self.filters, self.channels);
        let (rows, columns) = if turned { (filters, channels) } else { (channels, filters) };
        let (row_step, column_step) = if turned { (channels * all, all) } else { (all, channels * all) };
        let mut out = Scratch::new(taps * rows * padded(columns));
        out.par_chunks_mut((taps * rows * PANEL).max(1)).enumerate().for_each(|(panel, out)| {
            let wide = out.len() / (taps * rows);
            // One cache line at a time: the values of all taps are adjacent.
            for first in (0..wide).step_by(16) {
                let count = columns.saturating_sub(panel * PANEL + first).min(16);
                for (row, tap) in (0..rows).flat_map(|row| (0..taps).map(move |tap| (row, tap))) {
                    let to = &mut out[(place(tap) * rows + row) * wide + first..][..16];
                    let from = &weight[row * row_step + tap..];
                    for (j, to) in to[..count].iter_mut().enumerate() {
                        *to = from[(panel * PANEL + first + j) * column_step];
                    }
                    to[count..].fill(0.0);
                }
            }
        });
        out
    }
}

/// `out += input · kernel` tap by tap, for the pairs of places of a pixel in the input and in the output.
///
/// # Safety
/// At every pair's places lie `depth` and `wide` values; a tap's places in `out` differ.
unsafe fn convolve(
    kernel: &[f32],
    [depth, wide]: [usize; 2],
    pairs: &[Vec<[usize; 2]>],
    input: &[f32],
    out: &mut [f32],
) {
    let steps = |columns: usize| (0..DEPTH.min(depth)).map(|step| [step, step * columns]).collect::<Vec<_>>();
    let taps = pairs.len();
    let (whole, last) = (steps(PANEL), steps(wide % PANEL));
    for (tap, pairs) in pairs.iter().enumerate() {
        for (pairs, first) in
            pairs.chunks(PIXELS).flat_map(|pairs| (0..depth).step_by(DEPTH).map(move |at| (pairs, at)))
        {
            for column in (0..wide).step_by(PANEL) {
                let columns = PANEL.min(wide - column);
                let steps = if columns == PANEL { &whole } else { &last };
                let panel = &kernel[column * depth * taps + (tap * depth + first) * columns..];
                let (input, out) = (input[first..].as_ptr(), out[column..].as_mut_ptr());
                // SAFETY: the caller's contract; the panel's rows of this tap from `first` on.
                unsafe { gathered(columns, input, panel.as_ptr(), out, pairs, &steps[..DEPTH.min(depth - first)]) };
            }
        }
    }
}

/// Fills every pixel's row with the bias, or with zeros.
fn begin(sums: &mut [f32], wide: usize, bias: Option<&[f32]>) {
    sums.fill(0.0);
    if let Some(bias) = bias {
        sums.chunks_exact_mut(wide).for_each(|row| row[..bias.len()].copy_from_slice(bias));
    }
}

/// Converts images to pixel-major layout, with `row` values per pixel.
pub fn turn_in(images: &[f32], [channels, pixels]: [usize; 2], to: &mut [f32], row: usize) {
    for (image, to) in images.chunks_exact(channels * pixels).zip(to.chunks_exact_mut(pixels * row)) {
        to_pixels(image, pixels, to, row, |_| ());
    }
}

/// Pixels, `row` values apart, to images that may not have been written before.
///
/// # Safety
/// As many images as `from` has can be written.
pub unsafe fn turn_out(from: &[f32], row: usize, [channels, pixels]: [usize; 2], images: *mut f32) {
    for (image, from) in from.chunks_exact(pixels * row).enumerate() {
        // SAFETY: the caller's contract.
        unsafe { to_planes_at(from, row, [channels, pixels], images.add(image * channels * pixels)) };
    }
}

pub fn forward(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (from, to) = ([g.channels, g.area()], [g.filters, g.pixels()]);
    let kernel = g.packed(weight, false, |tap| tap);
    let pairs = |images| g.pairs(images, [g.channels, padded(g.filters)]);
    run(g, [from, to], &kernel, pairs, x, bias)
}

pub fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (from, to) = ([g.filters, g.pixels()], [g.channels, g.area()]);
    let kernel = g.packed(weight, true, |tap| tap);
    let pairs = |images| {
        let mut pairs = g.pairs(images, [padded(g.channels), g.filters]);
        pairs.iter_mut().flatten().for_each(|pair| pair.reverse());
        pairs
    };
    run(g, [from, to], &kernel, pairs, gradient, bias)
}

/// A few images at a time, from `[depth, pixels]` to `[columns, pixels]`. `pairs` gives the places of a number of images: they lie
/// inside the images, and a tap meets a pixel of the result at most once.
fn run(
    g: &Geometry,
    [[depth, before], [columns, after]]: [[usize; 2]; 2],
    kernel: &[f32],
    pairs: impl Fn(usize) -> Vec<Vec<[usize; 2]>> + Sync,
    x: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let (wide, group) = (padded(columns), g.group(PIXELS, g.pixels()));
    let all = pairs(group);
    let fill = |out: Shared| {
        x.par_chunks(group * depth * before).enumerate().for_each(|(task, x)| {
            let images = x.len() / (depth * before);
            let mut inputs = Scratch::new(images * depth * before);
            let mut sums = Scratch::new(images * after * wide);
            turn_in(x, [depth, before], &mut inputs, depth);
            begin(&mut sums, wide, bias);
            let fewer = (images < group).then(|| pairs(images));
            // SAFETY: the pairs, as said above; only this task writes its images.
            unsafe {
                convolve(kernel, [depth, wide], fewer.as_ref().unwrap_or(&all), &inputs, &mut sums);
                turn_out(&sums, wide, [columns, after], out.at(task * group * columns * after));
            }
        });
    };
    // SAFETY: the tasks write all images.
    unsafe { written(g.batch * columns * after, fill) }
}

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let (channels, filters, taps, wide) = (g.channels, g.filters, g.taps(), padded(g.filters));
    let mut inputs = Scratch::new(g.batch * g.image());
    let mut gradients = Scratch::new(g.batch * g.pixels() * wide);
    let turned = inputs.par_chunks_mut(g.image().max(1)).zip(x.par_chunks(g.image().max(1)));
    turned.for_each(|(to, x)| turn_in(x, [channels, g.area()], to, channels));
    let turned = gradients.par_chunks_mut(g.pixels() * wide).zip(gradient.par_chunks(filters * g.pixels()));
    turned.for_each(|(to, gradient)| turn_in(gradient, [filters, g.pixels()], to, wide));
    let pairs = g.pairs(g.batch, [channels, wide]);
    // `[channels, taps, filters padded]`.
    let mut sums = Scratch::new(channels * taps * wide);
    let shared = Shared::new(&mut sums);
    let (inputs, gradients) = (&*inputs, &*gradients);
    (0..taps * channels.div_ceil(CHUNK)).into_par_iter().for_each(|task| {
        let (tap, first) = (task % taps, task / taps * CHUNK);
        let rows: Vec<_> =
            (0..CHUNK.min(channels - first)).map(|channel| [channel, (channel * taps + tap) * wide]).collect();
        // SAFETY: only this task writes these channels of this tap; the pairs are inside the images.
        unsafe {
            let out = shared.at(first * taps * wide);
            rows.iter().for_each(|row| out.add(row[1]).write_bytes(0, wide));
            for steps in pairs.get(tap).map_or(&[][..], Vec::as_slice).chunks(DEPTH) {
                for column in (0..wide).step_by(PANEL) {
                    let (columns, right) = (PANEL.min(wide - column), gradients[column..].as_ptr());
                    gathered(columns, inputs[first..].as_ptr(), right, out.add(column), &rows, steps);
                }
            }
        }
    });
    weight_of(&sums, [channels * taps, filters])
}

/// `[filters, values]` of `[values, filters padded]`.
pub fn weight_of(sums: &[f32], [values, filters]: [usize; 2]) -> Vec<f32> {
    let mut out = vec![0.0; filters * values];
    out.par_chunks_mut((16 * values).max(1)).enumerate().for_each(|(block, out)| {
        to_planes(&sums[block * 16..], padded(filters), out, values, |_, _| ());
    });
    out
}
