//! The f32 kernels of 3x3 convolutions that keep height and width, with Winograd's algorithm, which needs a quarter of
//! the multiplications.
//!
//! The gradient of the input is the convolution with the kernel rotated by 180 degrees, and with channels and filters
//! exchanged. The gradient of the weight multiplies the transformed input with the transformed gradient of the output.
//! *Points* are the 36 values of a transformed tile.

use super::geometry::Geometry;
use super::rows::{PANEL, turn_in, turn_out, weight_of};
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::winograd::{self, POINTS, TAPS, Tiles};
use crate::fast::{Shared, added, padded, parts_of, scratch::Scratch, written};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles in a block of GEMMs.
const TILES: usize = 32;
/// Channels transformed at a time. With a block's products they fit into the L2 cache.
const CHUNK: usize = 64;
/// Filters whose products a block stores, in panels. The input is transformed again for each such part.
const PART: usize = 2 * PANEL;
const _: () = assert!(PART >= CHUNK, "places outside the image serve inputs and outputs");
/// Values of each tap that a task transforms.
const KERNELS: usize = 1 << 10;
/// Channels of a weight's gradient per task.
const ROWS: usize = 48;
/// Tiles of a part of that gradient's sum at least.
const LEAST: usize = 128;

/// Whether tiles need fewer operations. They do not if most of a tile is padding, or if there are so few that
/// transforming the kernel takes longer than the GEMMs.
pub fn pays(g: &Geometry) -> bool {
    let fits = g.kernel == 3 && g.stride == 1 && g.padding == 1;
    let tiles = tiles(g, 0).count();
    fits && 5 * tiles < g.pixels() && g.batch * tiles >= 16 && g.channels.min(g.filters) >= 8
}

fn tiles(g: &Geometry, row: usize) -> Tiles {
    Tiles { height: g.out_height, width: g.out_width, row }
}

pub fn forward(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let kernel = g.first(TAPS).packed(weight, false, |tap| tap);
    Convolution::new(g, [g.channels, g.filters], &kernel, bias).run(x)
}

pub fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let kernel = g.first(TAPS).packed(weight, true, |tap| TAPS - 1 - tap);
    Convolution::new(g, [g.filters, g.channels], &kernel, bias).run(gradient)
}

/// From `depth` to `columns` channels.
struct Convolution<'a> {
    g: &'a Geometry,
    depth: usize,
    columns: usize,
    /// The kernel's points in panels of columns, `[36, depth, columns]` each.
    points: Scratch,
    bias: Vec<f32>,
}

impl<'a> Convolution<'a> {
    /// The kernel in panels, `[9, depth, columns]` each.
    fn new(g: &'a Geometry, [depth, columns]: [usize; 2], kernel: &[f32], given: Option<&[f32]>) -> Self {
        let mut points = Scratch::new(kernel.len() / TAPS * POINTS);
        let panels = points.par_chunks_mut(POINTS * depth * PANEL).zip(kernel.par_chunks(TAPS * depth * PANEL));
        panels.for_each(|(to, from)| {
            let (plane, to) = (from.len() / TAPS, Shared::new(to));
            (0..plane.div_ceil(KERNELS)).into_par_iter().for_each(|part| {
                let (first, count) = (part * KERNELS, KERNELS.min(plane - part * KERNELS));
                // SAFETY: a multiple of 16 values for each tap and each point, which no other part has.
                unsafe { winograd::kernels(from[first..].as_ptr(), plane, count, to.at(first), plane) };
            });
        });
        let mut bias = vec![0.0; padded(columns)];
        if let Some(given) = given {
            bias[..columns].copy_from_slice(given);
        }
        Self { g, depth, columns, points, bias }
    }

    /// A few images at a time.
    fn run(&self, x: &[f32]) -> Vec<f32> {
        let (g, depth, columns, pixels) = (self.g, self.depth, self.columns, self.g.pixels());
        let (row, wide, count) = (padded(depth), padded(columns), tiles(g, 0).count());
        let group = g.group(TILES, count);
        let (size, images) = (group * columns * pixels, x.par_chunks(group * depth * pixels));
        let fill = |out: Shared| {
            images.enumerate().for_each(|(task, x)| {
                let images = x.len() / (depth * pixels);
                let mut inputs = Scratch::new(images * pixels * row);
                let mut sums = Scratch::new(images * pixels * wide);
                turn_in(x, [depth, pixels], &mut inputs, row);
                for first in (0..images * count).step_by(TILES) {
                    for column in (0..wide).step_by(PART) {
                        self.block([first, TILES.min(images * count - first)], column, &inputs, &mut sums);
                    }
                }
                // SAFETY: this task alone writes its images.
                unsafe { turn_out(&sums, wide, [columns, pixels], out.at(task * size)) };
            });
        };
        // SAFETY: the tasks write all images.
        unsafe { written(g.batch * columns * pixels, fill) }
    }

    /// One part of the columns at some tiles.
    fn block(&self, [first, count]: [usize; 2], column: usize, inputs: &[f32], sums: &mut [f32]) {
        let (depth, wide) = (self.depth, padded(self.columns));
        let part = PART.min(wide - column);
        let (from, to) = (tiles(self.g, padded(depth)), tiles(self.g, wide));
        // The stride of points is not a power of two, for which they would use the same few cache lines.
        let (input_point, out_point) = (TILES * CHUNK + 16, TILES * part + 16);
        let (mut here, mut products) = (Scratch::new(POINTS * input_point), Scratch::new(POINTS * out_point));
        let outside = [0.0f32; PART];
        let mut ignored = outside;
        for channel in (0..depth).step_by(CHUNK) {
            let channels = CHUNK.min(depth - channel);
            for tile in 0..count {
                let from = from.inputs(first + tile, inputs[channel..].as_ptr(), outside.as_ptr());
                // SAFETY: a pixel's row has room for whole vectors; so have `outside` and the tile's place in `here`.
                unsafe { winograd::input(&from, padded(channels), here[tile * CHUNK..].as_mut_ptr(), input_point) };
            }
            for panel in (column..column + part).step_by(PANEL) {
                let columns = PANEL.min(wide - panel);
                let kernel = &self.points[panel * depth * POINTS..];
                for point in 0..POINTS {
                    let left = Left { at: here[point * input_point..].as_ptr(), row: CHUNK, column: 1 };
                    let rows = |point| kernel.as_ptr().wrapping_add((point * depth + channel) * columns);
                    let right = Right { at: rows(point), row: columns, next: Some(rows(point + 1)) };
                    let out = Out { at: products[point * out_point + panel - column..].as_mut_ptr(), row: part };
                    // SAFETY: `count` tiles of `channels` values, as many rows of the panel, `count` rows of products.
                    unsafe { product([count, columns, channels], left, right, out, channel > 0) };
                }
            }
        }
        let bias = self.bias[column..].as_ptr();
        for tile in 0..count {
            let to = to.outputs(first + tile, sums[column..].as_mut_ptr(), ignored.as_mut_ptr());
            // SAFETY: `part` columns of the tile's pixels, which this task alone writes.
            unsafe { winograd::output(products[tile * part..].as_ptr(), out_point, part, bias, &to) };
        }
    }
}

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let (channels, filters, wide) = (g.channels, g.filters, padded(g.filters));
    let row = padded(channels);
    let mut inputs = Scratch::new(g.batch * g.pixels() * row);
    let turned = inputs.par_chunks_mut(g.pixels() * row).zip(x.par_chunks(g.image()));
    turned.for_each(|(to, x)| turn_in(x, [channels, g.pixels()], to, row));
    let (products, point) = output_points(g, gradient);
    // `[parts, channels, taps, filters padded]`.
    let (size, total) = (channels * TAPS * wide, g.batch * tiles(g, 0).count());
    let tasks = channels.div_ceil(ROWS) * wide.div_ceil(PANEL);
    let parts = parts_of(tasks, total, LEAST);
    let mut sums = Scratch::new(parts * size);
    let shared = Shared::new(&mut sums);
    let (inputs, products) = (&*inputs, &*products);
    (0..tasks * parts).into_par_iter().for_each(|task| {
        let (task, part) = (task % tasks, task / tasks);
        let (first, column) = (task % channels.div_ceil(ROWS) * ROWS, task / channels.div_ceil(ROWS) * PANEL);
        let (rows, columns) = (ROWS.min(channels - first), PANEL.min(wide - column));
        let here = part * total / parts..(part + 1) * total / parts;
        let points = pairs(g, here, [first, rows], [column, columns], inputs, products, point);
        let mut taps = Scratch::new(TAPS * ROWS * columns);
        let plane = ROWS * columns;
        // SAFETY: a multiple of 16 values for each point and each tap.
        unsafe { winograd::kernels_gradient(points.as_ptr(), plane, rows * columns, taps.as_mut_ptr(), plane) };
        for (tap, row) in (0..TAPS).flat_map(|tap| (0..rows).map(move |row| (tap, row))) {
            let from = &taps[tap * plane + row * columns..][..columns];
            // SAFETY: this task alone writes these columns of its channels in its part.
            unsafe {
                let to = shared.at(part * size + ((first + row) * TAPS + tap) * wide + column);
                to.copy_from_nonoverlapping(from.as_ptr(), columns);
            }
        }
    });
    added(&mut sums, size);
    weight_of(&sums, [channels * TAPS, filters])
}

/// The points of the output's gradient, `[36, tiles, filters padded]`, and their distance.
fn output_points(g: &Geometry, gradient: &[f32]) -> (Scratch, usize) {
    let (pixels, wide, count) = (g.pixels(), padded(g.filters), tiles(g, 0).count());
    let point = g.batch * count * wide + 16;
    let mut products = Scratch::new(POINTS * point);
    let shared = Shared::new(&mut products);
    gradient.par_chunks(g.filters * pixels).enumerate().for_each(|(image, gradient)| {
        let mut turned = Scratch::new(pixels * wide);
        turn_in(gradient, [g.filters, pixels], &mut turned, wide);
        // The padding of the filters is multiplied too, into columns that are never read. It must be finite.
        turned.chunks_exact_mut(wide).for_each(|row| row[g.filters..].fill(0.0));
        let outside = vec![0.0f32; wide];
        for tile in 0..count {
            let from = tiles(g, wide).outputs(tile, turned.as_mut_ptr(), outside.as_ptr().cast_mut());
            // SAFETY: rows of this image's tiles, which only this task writes.
            unsafe {
                let to = shared.at((image * count + tile) * wide);
                winograd::output_gradient(&from.map(<*mut f32>::cast_const), wide, to, point);
            }
        }
    });
    (products, point)
}

/// Σ over some tiles of an input channel's point times a filter's: `[36, ROWS, columns]`.
fn pairs(
    g: &Geometry,
    here: Range<usize>,
    [first, rows]: [usize; 2],
    [column, columns]: [usize; 2],
    inputs: &[f32],
    products: &[f32],
    point: usize,
) -> Scratch {
    let (wide, begin) = (padded(g.filters), here.start);
    let from = tiles(g, padded(g.channels));
    let input_point = TILES * ROWS + 16;
    let mut turned = Scratch::new(POINTS * input_point);
    let mut sums = Scratch::new(POINTS * ROWS * columns);
    let outside = [0.0f32; ROWS];
    for tile in here.clone().step_by(TILES) {
        let block = TILES.min(here.end - tile);
        for at in 0..block {
            let from = from.inputs(tile + at, inputs[first..].as_ptr(), outside.as_ptr());
            // SAFETY: a pixel's row has room for whole vectors; so have `outside` and the tile's place in `turned`.
            unsafe { winograd::input(&from, padded(rows), turned[at * ROWS..].as_mut_ptr(), input_point) };
        }
        for at in 0..POINTS {
            let left = Left { at: turned[at * input_point..].as_ptr(), row: 1, column: ROWS };
            let right = Right { at: products[at * point + tile * wide + column..].as_ptr(), row: wide, next: None };
            let out = Out { at: sums[at * ROWS * columns..].as_mut_ptr(), row: columns };
            // SAFETY: `block` tiles of `rows` inputs and of `columns` products.
            unsafe { product([rows, columns, block], left, right, out, tile > begin) };
        }
    }
    sums
}
