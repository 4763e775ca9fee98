//! The 3x3 convolution of a step, from the channels in the middle to those that the step appends.

use super::{CHUNK, line, middle_row};
use crate::dense::compose::{by_middle, by_output};
use crate::dense::sizes::{Sizes, StepValues};
use crate::fast::planes::turn;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::scratch::Scratch;
use crate::fast::winograd::{self, POINTS, TAPS, Tiles};
use crate::fast::{Shared, written};
use rayon::prelude::*;

/// Points of all images' tiles, `[36][tiles, row]`.
struct Points {
    values: Scratch,
    tiles: usize,
    row: usize,
}

impl Points {
    fn new(sizes: &Sizes, row: usize) -> Self {
        let tiles = sizes.batch * sizes.tiles().count();
        Self { values: Scratch::new(POINTS * (tiles * row + 16)), tiles, row }
    }

    /// The distance of two points; not a power of two, for which they would use the same few cache lines.
    fn apart(&self) -> usize {
        self.tiles * self.row + 16
    }

    fn at(&self, point: usize) -> *const f32 {
        self.values[point * self.apart()..].as_ptr()
    }
}

/// Appends a step's channels to the state, in `to`.
pub fn forward(sizes: &Sizes, values: &StepValues<'_>, middle: &[f32], to: &mut [f32]) {
    let (wide, depth, pixels) = (sizes.wide(), sizes.middle, sizes.pixels());
    let kernels = points_of(&by_output(sizes, values.grow));
    let inputs = input_points(sizes, middle);
    let mut products = Points::new(sizes, wide);
    let (apart, shared) = (products.apart(), Shared::new(&mut products.values));
    (0..POINTS).into_par_iter().for_each(|point| {
        let left = Left { at: inputs.at(point), row: inputs.row, column: 1 };
        let right = Right { at: kernels[point * depth * wide..].as_ptr(), row: wide, next: None };
        // SAFETY: a point's tiles and kernel; this task alone writes its products.
        unsafe {
            let out = Out { at: shared.at(point * apart), row: wide };
            product([inputs.tiles, wide, depth], left, right, out, false);
        }
    });
    let tiles = Tiles { row: wide, ..sizes.tiles() };
    let mut bias = vec![0.0; wide];
    bias[..sizes.growth].copy_from_slice(values.grow_bias);
    let to = Shared::new(to);
    (0..sizes.batch).into_par_iter().for_each(|image| {
        let (mut grown, mut ignored) = (Scratch::new(pixels * wide), vec![0.0; wide]);
        for tile in 0..tiles.count() {
            let places = tiles.outputs(tile, grown.as_mut_ptr(), ignored.as_mut_ptr());
            let from = products.values[(image * tiles.count() + tile) * wide..].as_ptr();
            // SAFETY: the tile's products, and pixels of this task's image.
            unsafe { winograd::output(from, apart, wide, bias.as_ptr(), &places) };
        }
        // SAFETY: this task alone writes its image's pixels.
        unsafe { turn(grown.as_ptr(), wide, [pixels, sizes.growth], to.at(image * pixels), line(sizes)) };
    });
}

/// From the gradient of a step's channels that of the channels in the middle, pixel-major, and that of the weight.
pub fn backward(sizes: &Sizes, values: &StepValues<'_>, middle: &[f32], gradient: &[f32]) -> (Scratch, Vec<f32>) {
    let (wide, depth) = (sizes.wide(), sizes.middle);
    let kernels = points_of(&by_middle(sizes, values.grow));
    let (inputs, gradients) = (input_points(sizes, middle), output_points(sizes, gradient));
    let (mut sums, mut back) = (Scratch::new(POINTS * depth * wide), Points::new(sizes, depth));
    let (apart, [to_sums, to_back]) = (back.apart(), [Shared::new(&mut sums), Shared::new(&mut back.values)]);
    (0..2 * POINTS).into_par_iter().for_each(|task| {
        let (point, tiles) = (task / 2, inputs.tiles);
        // SAFETY: a point's tiles and kernel; this task alone writes its part of the results.
        unsafe {
            if task % 2 == 0 {
                let left = Left { at: inputs.at(point), row: 1, column: inputs.row };
                let right = Right { at: gradients.at(point), row: wide, next: None };
                let out = Out { at: to_sums.at(point * depth * wide), row: wide };
                product([depth, wide, tiles], left, right, out, false);
            } else {
                let left = Left { at: gradients.at(point), row: wide, column: 1 };
                let right = Right { at: kernels[point * sizes.growth * depth..].as_ptr(), row: depth, next: None };
                let out = Out { at: to_back.at(point * apart), row: depth };
                product([tiles, depth, sizes.growth], left, right, out, false);
            }
        }
    });
    rayon::join(|| middle_gradient(sizes, &back), || weight_gradient(sizes, &sums))
}

/// The 36 points of nine `taps`, which follow one another.
fn points_of(taps: &[f32]) -> Scratch {
    const VALUES: usize = 1 << 12;
    let plane = taps.len() / TAPS;
    let mut out = Scratch::new(POINTS * plane);
    let shared = Shared::new(&mut out);
    (0..plane.div_ceil(VALUES)).into_par_iter().for_each(|task| {
        let first = task * VALUES;
        let count = VALUES.min(plane - first);
        // SAFETY: this task alone writes its values of each point.
        unsafe { winograd::kernels(taps[first..].as_ptr(), plane, count, shared.at(first), plane) };
    });
    out
}

/// The points of the channels in the middle.
fn input_points(sizes: &Sizes, middle: &[f32]) -> Points {
    let mut points = Points::new(sizes, sizes.middle);
    let (row, apart, shared) = (points.row, points.apart(), Shared::new(&mut points.values));
    let tiles = Tiles { row: middle_row(sizes), ..sizes.tiles() };
    let outside = vec![0.0f32; sizes.middle];
    (0..points.tiles).into_par_iter().for_each(|tile| {
        let from = tiles.inputs(tile, middle.as_ptr(), outside.as_ptr());
        // SAFETY: pixels of an image or zeros; this task alone writes its tile.
        unsafe { winograd::input(&from, sizes.middle, shared.at(tile * row), apart) };
    });
    points
}

/// The points of the gradient of a step's channels, of which `gradient` has the planes.
fn output_points(sizes: &Sizes, gradient: &[f32]) -> Points {
    let (wide, pixels) = (sizes.wide(), sizes.pixels());
    let mut points = Points::new(sizes, wide);
    let (apart, shared) = (points.apart(), Shared::new(&mut points.values));
    let tiles = Tiles { row: wide, ..sizes.tiles() };
    let outside = vec![0.0f32; wide];
    (0..sizes.batch).into_par_iter().for_each(|image| {
        let mut own = Scratch::new(pixels * wide);
        if wide > sizes.growth {
            own.fill(0.0);
        }
        // SAFETY: the image's pixels; this task alone writes its tiles.
        unsafe {
            let from = gradient[image * pixels..].as_ptr();
            turn(from, line(sizes), [sizes.growth, pixels], own.as_mut_ptr(), wide);
            for tile in 0..tiles.count() {
                let from = tiles.outputs(tile, own.as_mut_ptr(), outside.as_ptr().cast_mut());
                let to = shared.at((image * tiles.count() + tile) * wide);
                winograd::output_gradient(&from.map(<*mut f32>::cast_const), wide, to, apart);
            }
        }
    });
    points
}

/// The gradient of the channels in the middle, from its points.
fn middle_gradient(sizes: &Sizes, points: &Points) -> Scratch {
    let tiles = Tiles { row: middle_row(sizes), ..sizes.tiles() };
    let mut out = Scratch::new(sizes.batch * tiles.image());
    out.par_chunks_exact_mut(tiles.image()).enumerate().for_each(|(image, out)| {
        let mut ignored = vec![0.0; sizes.middle];
        out.fill(0.0);
        for tile in 0..tiles.count() {
            let to = tiles.inputs(tile, out.as_mut_ptr(), ignored.as_mut_ptr()).map(<*const f32>::cast_mut);
            let from = points.values[(image * tiles.count() + tile) * points.row..].as_ptr();
            // SAFETY: the tile's points, and pixels of this task's image.
            unsafe { winograd::input_gradient(from, points.apart(), sizes.middle, &to) };
        }
    });
    out
}

/// `[growth, middle, 9]`: the gradient of the weight, from its points `[36][middle, wide]`.
fn weight_gradient(sizes: &Sizes, sums: &[f32]) -> Vec<f32> {
    let (wide, middle) = (sizes.wide(), sizes.middle);
    let fill = |out: Shared| {
        (0..middle.div_ceil(CHUNK)).into_par_iter().for_each(|task| {
            let (first, count) = (task * CHUNK, CHUNK.min(middle - task * CHUNK));
            let mut taps = Scratch::new(count * TAPS * wide);
            // SAFETY: the chunk's rows of each point; this task alone writes its columns.
            unsafe {
                for (at, taps) in taps.chunks_exact_mut(TAPS * wide).enumerate() {
                    let from = sums[(first + at) * wide..].as_ptr();
                    winograd::kernels_gradient(from, middle * wide, wide, taps.as_mut_ptr(), wide);
                }
                let to = out.at(first * TAPS);
                turn(taps.as_ptr(), wide, [count * TAPS, sizes.growth], to, middle * TAPS);
            }
        });
    };
    // SAFETY: the tasks write all columns.
    unsafe { written(sizes.growth * middle * TAPS, fill) }
}
