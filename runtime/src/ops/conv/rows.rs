//! The f32 kernels: for each tap a product of matrices over rows of pixels, read where they lie.

use super::geometry::Geometry;
use crate::ops::fast::planes::{to_pixels, to_planes};
use crate::ops::fast::product::{Left, Out, Right, product};
use crate::ops::fast::{Shared, padded, scratch::Scratch};
use rayon::prelude::*;

/// Pixels that are worked on together at least, where images are smaller.
const PIXELS: usize = 64;
/// Channels of a weight's gradient that one task works on.
const CHUNK: usize = 64;
/// Depth of one product over pixels.
const DEPTH: usize = 256;

/// One tap on one row of the output.
#[derive(Clone, Copy)]
struct Run {
    tap: usize,
    /// First output pixel, counted over the images of a group.
    out: usize,
    /// The input pixel under it.
    input: usize,
    /// Output pixels; the inputs under them are a stride apart.
    count: usize,
}

impl Geometry {
    fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    fn area(&self) -> usize {
        self.height * self.width
    }

    /// Images that are worked on together.
    fn group(&self) -> usize {
        (PIXELS / self.pixels().max(1)).clamp(1, self.batch.max(1))
    }

    /// Every tap on every row of `images` images; where patches are the images, runs of pixels.
    fn runs(&self, images: usize) -> Vec<Run> {
        if self.is_pointwise() {
            let pixels = images * self.pixels();
            let run = |first| Run { tap: 0, out: first, input: first, count: DEPTH.min(pixels - first) };
            return (0..pixels).step_by(DEPTH).map(run).collect();
        }
        let mut runs = Vec::new();
        for (image, y) in (0..images).flat_map(|image| (0..self.out_height).map(move |y| (image, y))) {
            for tap in 0..self.taps() {
                let (row, dx) = (y * self.stride + tap / self.kernel, tap % self.kernel);
                let (first, end) = self.columns(dx);
                if row < self.padding || row - self.padding >= self.height || first == end {
                    continue;
                }
                let line = image * self.area() + (row - self.padding) * self.width;
                runs.push(Run {
                    tap,
                    out: image * self.pixels() + y * self.out_width + first,
                    input: line + first * self.stride + dx - self.padding,
                    count: end - first,
                });
            }
        }
        runs
    }

    /// `[taps, rows, columns padded]` of the weight: a filter's channels along a column, or turned along a row.
    fn packed(&self, weight: &[f32], turned: bool) -> Scratch {
        let (taps, filters, channels) = (self.taps(), self.filters, self.channels);
        let (rows, columns) = if turned { (filters, channels) } else { (channels, filters) };
        let (row_step, column_step) = if turned { (channels * taps, taps) } else { (taps, channels * taps) };
        let wide = padded(columns);
        let mut out = Scratch::new(taps * rows * wide);
        out.par_chunks_exact_mut(wide).with_min_len(64).enumerate().for_each(|(at, to)| {
            let from = &weight[at % rows * row_step + at / rows..];
            for (to, value) in to.iter_mut().zip(from.iter().step_by(column_step)).take(columns) {
                *to = *value;
            }
            to[columns..].fill(0.0);
        });
        out
    }
}

/// Every pixel's row filled with the bias, or cleared.
fn begin(sums: &mut [f32], wide: usize, bias: Option<&[f32]>) {
    sums.fill(0.0);
    if let Some(bias) = bias {
        sums.chunks_exact_mut(wide).for_each(|row| row[..bias.len()].copy_from_slice(bias));
    }
}

/// Images to pixels, `row` values apart.
fn turn_in(images: &[f32], [channels, pixels]: [usize; 2], to: &mut [f32], row: usize) {
    for (image, to) in images.chunks_exact(channels * pixels).zip(to.chunks_exact_mut(pixels * row)) {
        to_pixels(image, pixels, to, row, |_, value| value);
    }
}

fn turn_out(from: &[f32], row: usize, [channels, pixels]: [usize; 2], images: &mut [f32]) {
    for (image, from) in images.chunks_exact_mut(channels * pixels).zip(from.chunks_exact(pixels * row)) {
        to_planes(from, row, image, pixels, |_, value| value);
    }
}

pub fn forward(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (channels, wide, group) = (g.channels, padded(g.filters), g.group());
    let kernel = g.packed(weight, false);
    let mut out = vec![0.0; g.batch * g.filters * g.pixels()];
    let outs = out.par_chunks_mut(group * g.filters * g.pixels());
    outs.zip(x.par_chunks(group * g.image())).for_each(|(out, x)| {
        let images = x.len() / g.image();
        let mut inputs = Scratch::new(images * g.image());
        let mut sums = Scratch::new(images * g.pixels() * wide);
        turn_in(x, [channels, g.area()], &mut inputs, channels);
        begin(&mut sums, wide, bias);
        for run in g.runs(images) {
            let left = Left { at: inputs[run.input * channels..].as_ptr(), row: g.stride * channels, column: 1 };
            let right = Right { at: kernel[run.tap * channels * wide..].as_ptr(), row: wide };
            let out = Out { at: sums[run.out * wide..].as_mut_ptr(), row: wide };
            // SAFETY: a run's pixels lie inside the images, and its tap inside the kernel.
            unsafe { product([run.count, wide, channels], left, right, out, true) };
        }
        turn_out(&sums, wide, [g.filters, g.pixels()], out);
    });
    out
}

pub fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (filters, wide, group) = (g.filters, padded(g.channels), g.group());
    let kernel = g.packed(weight, true);
    let mut out = vec![0.0; g.batch * g.image()];
    let outs = out.par_chunks_mut(group * g.image());
    outs.zip(gradient.par_chunks(group * filters * g.pixels())).for_each(|(out, gradient)| {
        let images = out.len() / g.image();
        let mut inputs = Scratch::new(images * g.pixels() * filters);
        let mut sums = Scratch::new(images * g.area() * wide);
        turn_in(gradient, [filters, g.pixels()], &mut inputs, filters);
        begin(&mut sums, wide, bias);
        for run in g.runs(images) {
            let left = Left { at: inputs[run.out * filters..].as_ptr(), row: filters, column: 1 };
            let right = Right { at: kernel[run.tap * filters * wide..].as_ptr(), row: wide };
            let out = Out { at: sums[run.input * wide..].as_mut_ptr(), row: g.stride * wide };
            // SAFETY: as above; rows of the result that a stride above 1 leaves out are not written.
            unsafe { product([run.count, wide, filters], left, right, out, true) };
        }
        turn_out(&sums, wide, [g.channels, g.area()], out);
    });
    out
}

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let (channels, filters, taps, wide) = (g.channels, g.filters, g.taps(), padded(g.filters));
    let mut inputs = Scratch::new(g.batch * g.image());
    let mut gradients = Scratch::new(g.batch * g.pixels() * wide);
    let turned = inputs.par_chunks_mut(g.image().max(1)).zip(x.par_chunks(g.image().max(1)));
    turned.for_each(|(to, x)| turn_in(x, [channels, g.area()], to, channels));
    let turned = gradients.par_chunks_mut(g.pixels() * wide).zip(gradient.par_chunks(filters * g.pixels()));
    turned.for_each(|(to, gradient)| turn_in(gradient, [filters, g.pixels()], to, wide));
    let mut runs = vec![Vec::new(); taps];
    g.runs(g.batch).into_iter().for_each(|run| runs[run.tap].push(run));
    let mut out = vec![0.0; filters * channels * taps];
    let shared = Shared::new(&mut out);
    let (inputs, gradients, runs) = (&*inputs, &*gradients, &runs);
    let chunks = channels.div_ceil(CHUNK);
    (0..taps * chunks).into_par_iter().for_each(|task| {
        let (tap, first) = (task % taps, task / taps * CHUNK);
        let count = CHUNK.min(channels - first);
        let mut sums = Scratch::new(count * wide);
        sums.fill(0.0);
        for run in &runs[tap] {
            let left =
                Left { at: inputs[run.input * channels + first..].as_ptr(), row: 1, column: g.stride * channels };
            let right = Right { at: gradients[run.out * wide..].as_ptr(), row: wide };
            let out = Out { at: sums.as_mut_ptr(), row: wide };
            // SAFETY: as above; `count` channels of every pixel.
            unsafe { product([count, wide, run.count], left, right, out, true) };
        }
        for (channel, row) in sums.chunks_exact(wide).enumerate() {
            for (filter, value) in row[..filters].iter().enumerate() {
                // SAFETY: this task alone writes these channels of this tap.
                unsafe { *shared.at((filter * channels + first + channel) * taps + tap) = *value };
            }
        }
    });
    out
}
