//! The f32 kernels for affine maps of vectors (1x1 convolutions of images of one pixel). Each pass is one GEMM over the
//! records in their memory layout.

use super::geometry::Geometry;
use crate::fast::matrix::{PANEL, Start, TASK, multiply, sum};
use crate::fast::planes::to_pixels_at;
use crate::fast::product::{Left, Out};
use crate::fast::{NARROWEST, Shared, scratch::Scratch, written};
use rayon::prelude::*;

/// Filters that are transposed together.
const BLOCK: usize = 64;

pub fn pays(g: &Geometry) -> bool {
    g.kernel == 1 && g.padding == 0 && g.pixels() == 1 && g.height * g.width == 1
}

pub fn forward(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (channels, filters) = (g.channels, g.filters);
    if few(g) {
        return forward_of_few(g, x, weight, bias);
    }
    let mut turned = Scratch::new(channels * filters);
    let shared = Shared::new(&mut turned);
    weight.par_chunks(BLOCK * channels).enumerate().with_min_len((TASK / 4 / (BLOCK * channels)).max(1)).for_each(
        // SAFETY: the columns of these filters, which no other block has.
        |(block, part)| unsafe { to_pixels_at(part, channels, shared.at(block * BLOCK), filters) },
    );
    product_of([g.batch, filters, channels], (x, [channels, 1]), &turned, bias)
}

/// Whether transposing records and results takes less time than transposing the weight.
fn few(g: &Geometry) -> bool {
    g.batch.is_multiple_of(NARROWEST) && g.batch * (g.channels + g.filters) < g.channels * g.filters
}

/// The forward pass as the product of the weight with the transposed records. Each sum has the same order.
fn forward_of_few(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (records, channels, filters) = (g.batch, g.channels, g.filters);
    let mut turned = Scratch::new(records * channels);
    // SAFETY: one value for each of `x`.
    unsafe { to_pixels_at(x, channels, turned.as_mut_ptr(), records) };
    let high = (TASK / (records * channels).max(1)).clamp(1, filters).next_multiple_of(PANEL);
    let fill = |out: Shared| {
        weight.par_chunks(high * channels).enumerate().for_each(|(task, weight)| {
            let (first, rows) = (task * high, weight.len() / channels);
            let mut sums = Scratch::new(rows * records);
            if let Some(bias) = bias {
                let each = sums.chunks_exact_mut(records).zip(&bias[first..]);
                each.for_each(|(sums, bias)| sums.fill(*bias));
            }
            let (left, start) = (Left { at: weight.as_ptr(), row: channels, column: 1 }, bias.map(|_| Start::Sums));
            let to = Out { at: sums.as_mut_ptr(), row: records };
            // SAFETY: the rows of this task, and its columns of the result, which no other task writes.
            unsafe {
                sum([rows, records, channels], left, (turned.as_ptr(), records), start.unwrap_or(Start::Zeros), to);
                to_pixels_at(&sums, records, out.at(first), filters);
            }
        });
    };
    // SAFETY: the tasks write the columns of all filters.
    unsafe { written(records * filters, fill) }
}

pub fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    product_of([g.batch, g.channels, g.filters], (gradient, [g.filters, 1]), weight, bias)
}

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    product_of([g.filters, g.channels, g.batch], (gradient, [1, g.filters]), x, None)
}

/// Adds the gradient of the weight to an existing one.
pub fn add_weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32], existing: &mut [f32]) {
    assert_eq!(existing.len(), g.filters * g.channels, "the gradient of a weight");
    let sizes = [g.filters, g.channels, g.batch];
    // SAFETY: the slice has all rows and columns.
    unsafe {
        multiply(sizes, (gradient, [1, g.filters]), (x, g.channels), Start::Sums, (Shared::new(existing), g.channels))
    };
}

/// `bias + left · right`, `[rows, columns]`. The left matrix has strides for rows and columns.
fn product_of(
    [rows, columns, depth]: [usize; 3],
    left: (&[f32], [usize; 2]),
    right: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let start = bias.map_or(Start::Zeros, Start::Bias);
    let fill = |out| {
        // SAFETY: every row and column of `written` below.
        unsafe { multiply([rows, columns, depth], left, (right, columns), start, (out, columns)) }
    };
    // SAFETY: the product writes every row and column.
    unsafe { written(rows * columns, fill) }
}
