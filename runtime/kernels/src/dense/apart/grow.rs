//! The 3x3 convolution of a step, from the channels in the middle to those that the step appends.

use super::{CHUNK, line, middle_row};
use crate::dense::sizes::{Sizes, StepValues};
use crate::fast::planes::turn;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::scratch::Scratch;
use crate::fast::winograd::{self, POINTS, TAPS, Tiles};
use crate::fast::{Shared, written};
use rayon::prelude::*;

/// Rows of a kernel that a task transforms.
const ROWS: usize = 8;

/// Matrices at the 36 points, of tiles or of a kernel's rows.
struct Points {
    values: Scratch,
    rows: usize,
    row: usize,
}

impl Points {
    fn new(rows: usize, row: usize) -> Self {
        Self { values: Scratch::new(POINTS * (rows * row + 16)), rows, row }
    }

    /// Those of all images' tiles.
    fn of_tiles(sizes: &Sizes, row: usize) -> Self {
        Self::new(sizes.batch * sizes.tiles().count(), row)
    }

    /// The distance of two points; not a power of two, for which they would use the same few cache lines.
    fn apart(&self) -> usize {
        self.rows * self.row + 16
    }

    fn at(&self, point: usize) -> *const f32 {
        self.values.as_ptr().wrapping_add(point * self.apart())
    }
}

/// Appends a step's channels to the state, in `to`.
pub fn forward(sizes: &Sizes, values: &StepValues<'_>, middle: &[f32], to: &mut [f32]) {
    let (wide, pixels) = (sizes.wide(), sizes.pixels());
    let (kernels, inputs) = (kernels(sizes, values.grow), input_points(sizes, middle));
    let mut products = Points::of_tiles(sizes, wide);
    let (apart, shared) = (products.apart(), Shared::new(&mut products.values));
    (0..POINTS).into_par_iter().for_each(|point| {
        let left = Left { at: inputs.at(point), row: inputs.row, column: 1 };
        let right = Right { at: kernels.at(point), row: wide, next: Some(kernels.at(point + 1)) };
        // SAFETY: a point's tiles and kernel; this task alone writes its products.
        unsafe {
            let out = Out { at: shared.at(point * apart), row: wide };
            product([inputs.rows, wide, sizes.middle], left, right, out, false);
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
    let kernels = transposed_kernels(sizes, values.grow);
    let (inputs, gradients) = (input_points(sizes, middle), output_points(sizes, gradient));
    let (mut sums, mut back) = (Points::new(depth, wide), Points::of_tiles(sizes, depth));
    let [to_sums, to_back] = [&mut sums, &mut back].map(|points| (points.apart(), Shared::new(&mut points.values)));
    (0..2 * POINTS).into_par_iter().for_each(|task| {
        let (point, tiles) = (task / 2, inputs.rows);
        // SAFETY: a point's tiles and kernel; this task alone writes its part of the results.
        unsafe {
            if task % 2 == 0 {
                let left = Left { at: inputs.at(point), row: 1, column: inputs.row };
                let right = Right { at: gradients.at(point), row: wide, next: None };
                let out = Out { at: to_sums.1.at(point * to_sums.0), row: wide };
                product([depth, wide, tiles], left, right, out, false);
            } else {
                let left = Left { at: gradients.at(point), row: wide, column: 1 };
                let right = Right { at: kernels.at(point), row: depth, next: Some(kernels.at(point + 1)) };
                let out = Out { at: to_back.1.at(point * to_back.0), row: depth };
                product([tiles, depth, sizes.growth], left, right, out, false);
            }
        }
    });
    rayon::join(|| middle_gradient(sizes, &back), || weight_gradient(sizes, &sums))
}

/// The kernels' points, `[36][middle, wide]`.
fn kernels(sizes: &Sizes, grow: &[f32]) -> Points {
    let (wide, middle) = (sizes.wide(), sizes.middle);
    let mut points = Points::new(middle, wide);
    let (apart, shared) = (points.apart(), Shared::new(&mut points.values));
    (0..middle.div_ceil(ROWS)).into_par_iter().for_each(|task| {
        let (first, rows) = (task * ROWS, ROWS.min(middle - task * ROWS));
        let mut taps = Scratch::new(rows * TAPS * wide);
        if wide > sizes.growth {
            taps.fill(0.0);
        }
        // SAFETY: `rows` columns of nine taps of the weight; this task alone writes its rows.
        unsafe {
            let from = grow[first * TAPS..].as_ptr();
            turn(from, middle * TAPS, [sizes.growth, rows * TAPS], taps.as_mut_ptr(), wide);
            for (row, taps) in taps.chunks_exact(TAPS * wide).enumerate() {
                winograd::kernels(taps.as_ptr(), wide, wide, shared.at((first + row) * wide), apart);
            }
        }
    });
    points
}

/// The transposed kernels' points, `[36][growth, middle]`.
fn transposed_kernels(sizes: &Sizes, grow: &[f32]) -> Points {
    let middle = sizes.middle;
    let mut points = Points::new(sizes.growth, middle);
    let (apart, shared) = (points.apart(), Shared::new(&mut points.values));
    (0..sizes.growth).into_par_iter().with_min_len(ROWS).for_each(|row| {
        let tap = middle + 16;
        let mut taps = Scratch::new(TAPS * tap);
        // SAFETY: an output's row of the weight; this task alone writes its row.
        unsafe {
            turn(grow[row * middle * TAPS..].as_ptr(), TAPS, [middle, TAPS], taps.as_mut_ptr(), tap);
            winograd::kernels(taps.as_ptr(), tap, middle, shared.at(row * middle), apart);
        }
    });
    points
}

/// The points of the channels in the middle.
fn input_points(sizes: &Sizes, middle: &[f32]) -> Points {
    let mut points = Points::of_tiles(sizes, sizes.middle);
    let (row, apart, shared) = (points.row, points.apart(), Shared::new(&mut points.values));
    let tiles = Tiles { row: middle_row(sizes), ..sizes.tiles() };
    let outside = vec![0.0f32; sizes.middle];
    (0..points.rows).into_par_iter().for_each(|tile| {
        let from = tiles.inputs(tile, middle.as_ptr(), outside.as_ptr());
        // SAFETY: pixels of an image or zeros; this task alone writes its tile.
        unsafe { winograd::input(&from, sizes.middle, shared.at(tile * row), apart) };
    });
    points
}

/// The points of the gradient of a step's channels, of which `gradient` has the planes.
fn output_points(sizes: &Sizes, gradient: &[f32]) -> Points {
    let (wide, pixels) = (sizes.wide(), sizes.pixels());
    let mut points = Points::of_tiles(sizes, wide);
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
fn weight_gradient(sizes: &Sizes, sums: &Points) -> Vec<f32> {
    let (wide, middle) = (sizes.wide(), sizes.middle);
    let fill = |out: Shared| {
        (0..middle.div_ceil(CHUNK)).into_par_iter().for_each(|task| {
            let (first, count) = (task * CHUNK, CHUNK.min(middle - task * CHUNK));
            let mut taps = Scratch::new(count * TAPS * wide);
            // SAFETY: the chunk's rows of each point; this task alone writes its columns.
            unsafe {
                for (at, taps) in taps.chunks_exact_mut(TAPS * wide).enumerate() {
                    let from = sums.values[(first + at) * wide..].as_ptr();
                    winograd::kernels_gradient(from, sums.apart(), wide, taps.as_mut_ptr(), wide);
                }
                let to = out.at(first * TAPS);
                turn(taps.as_ptr(), wide, [count * TAPS, sizes.growth], to, middle * TAPS);
            }
        });
    };
    // SAFETY: the tasks write all columns.
    unsafe { written(sizes.growth * middle * TAPS, fill) }
}
