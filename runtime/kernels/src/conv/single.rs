//! The f32 kernels for affine maps of vectors (1x1 convolutions of images of one pixel). Each pass is one GEMM over the
//! records in their memory layout.

use super::geometry::Geometry;
use crate::fast::planes::to_pixels_at;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::{NARROWEST, Shared, scratch::Scratch, written};
use rayon::prelude::*;

/// The depth of one product. With a panel of the right matrix it fits into the L2 cache.
pub const DEPTH: usize = 256;
/// Rows per task, if there are as many.
const ROWS: usize = 96;
/// The number of columns per task is a multiple of this.
const PANEL: usize = 64;
/// The minimum of multiply-accumulates per task; waking another thread takes as long as this many.
pub const TASK: usize = 1 << 20;
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
    multiply([g.batch, filters, channels], (x, [channels, 1]), &turned, bias)
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
    multiply([g.batch, g.channels, g.filters], (gradient, [g.filters, 1]), weight, bias)
}

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    multiply([g.filters, g.channels, g.batch], (gradient, [1, g.filters]), x, None)
}

/// Adds the gradient of the weight to an existing one.
pub fn add_weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32], existing: &mut [f32]) {
    assert_eq!(existing.len(), g.filters * g.channels, "the gradient of a weight");
    let sizes = [g.filters, g.channels, g.batch];
    // SAFETY: the slice has all rows and columns.
    unsafe { multiply_into(sizes, (gradient, [1, g.filters]), x, Start::Sums, Shared::new(existing)) };
}

/// `bias + left · right`, `[rows, columns]`. The left matrix has strides for rows and columns.
fn multiply(
    [rows, columns, depth]: [usize; 3],
    left: (&[f32], [usize; 2]),
    right: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let start = bias.map_or(Start::Zeros, Start::Bias);
    // SAFETY: the product writes every row and column.
    unsafe { written(rows * columns, |out| multiply_into([rows, columns, depth], left, right, start, out)) }
}

/// The values to which products are added.
#[derive(Clone, Copy)]
enum Start<'a> {
    Zeros,
    /// A value for each column.
    Bias(&'a [f32]),
    /// Those of the result.
    Sums,
}

impl<'a> Start<'a> {
    fn columns(self, columns: std::ops::Range<usize>) -> Self {
        match self {
            Self::Bias(bias) => Self::Bias(&bias[columns]),
            other => other,
        }
    }
}

/// The columns that fill no vector are those of a matrix of their own, whose products are copied into their places.
///
/// # Safety
/// `out` has all rows and columns.
unsafe fn multiply_into(
    [rows, columns, depth]: [usize; 3],
    (left, [row, step]): (&[f32], [usize; 2]),
    right: &[f32],
    start: Start<'_>,
    out: Shared,
) {
    let whole = columns / NARROWEST * NARROWEST;
    let rest = last_columns(right, columns, whole);
    let high = rows.clamp(1, ROWS);
    let broad = (TASK / (high * depth).max(1)).next_multiple_of(PANEL).clamp(PANEL, columns.next_multiple_of(PANEL));
    let across = columns.div_ceil(broad);
    (0..across * rows.div_ceil(high)).into_par_iter().for_each(|task| {
        let (first, column) = (task / across * high, task % across * broad);
        let (rows, end) = (high.min(rows - first), columns.min(column + broad));
        let left = Left { at: left[first * row..].as_ptr(), row, column: step };
        // SAFETY: only this task writes these rows and columns; all places are inside the matrices.
        unsafe {
            let here = Out { at: out.at(first * columns + column), row: columns };
            let count = end.min(whole).saturating_sub(column);
            let right = (right[column.min(right.len())..].as_ptr(), columns);
            sum([rows, count, depth], left, right, start.columns(column..column + count), here);
            if end > whole {
                let more = end - column - count;
                let mut sums = Scratch::new(rows * NARROWEST);
                let apart = Out { at: sums.as_mut_ptr(), row: NARROWEST };
                let place = |at: usize| here.at.add(at * columns + count);
                if matches!(start, Start::Sums) {
                    sums.fill(0.0);
                    (0..rows).for_each(|at| apart.at.add(at * NARROWEST).copy_from_nonoverlapping(place(at), more));
                }
                sum([rows, NARROWEST, depth], left, (rest.as_ptr(), NARROWEST), start.columns(end - more..end), apart);
                (0..rows).for_each(|at| place(at).copy_from_nonoverlapping(apart.at.add(at * NARROWEST), more));
            }
        }
    });
}

/// One task's products, added to their start.
///
/// # Safety
/// All places of the matrices can be read, and those of `out` written.
unsafe fn sum(
    [rows, columns, depth]: [usize; 3],
    left: Left,
    (right, width): (*const f32, usize),
    start: Start<'_>,
    out: Out,
) {
    // SAFETY: the caller's contract.
    unsafe {
        match start {
            Start::Bias(bias) => begin([rows, columns], bias, out),
            Start::Zeros if depth == 0 => begin([rows, columns], &[], out),
            Start::Zeros | Start::Sums => {}
        }
        for at in (0..depth).step_by(DEPTH) {
            let left = Left { at: left.at.add(at * left.column), ..left };
            let right = Right { at: right.add(at * width), row: width, next: None };
            let sizes = [rows, columns, DEPTH.min(depth - at)];
            product(sizes, left, right, out, at > 0 || !matches!(start, Start::Zeros));
        }
    }
}

/// Fills every row with the bias, followed by zeros.
///
/// # Safety
/// The rows and columns of `out` can be written.
unsafe fn begin([rows, columns]: [usize; 2], bias: &[f32], out: Out) {
    let known = bias.len().min(columns);
    for row in 0..rows {
        // SAFETY: the caller's contract.
        unsafe {
            let to = out.at.add(row * out.row);
            to.copy_from_nonoverlapping(bias.as_ptr(), known);
            to.add(known).write_bytes(0, columns - known);
        }
    }
}

/// The columns of a matrix from `first`, padded with zeros.
fn last_columns(matrix: &[f32], columns: usize, first: usize) -> Scratch {
    let rows = if first < columns { matrix.len() / columns } else { 0 };
    let mut out = Scratch::new(rows * NARROWEST);
    for (to, from) in out.chunks_exact_mut(NARROWEST).zip(matrix.chunks_exact(columns.max(1))) {
        let (values, padding) = to.split_at_mut(columns - first);
        values.copy_from_slice(&from[first..]);
        padding.fill(0.0);
    }
    out
}
