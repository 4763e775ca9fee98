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
    let mut turned = Scratch::new(channels * filters);
    let shared = Shared::new(&mut turned);
    weight.par_chunks(BLOCK * channels).enumerate().with_min_len((TASK / 4 / (BLOCK * channels)).max(1)).for_each(
        // SAFETY: the columns of these filters, which no other block has.
        |(block, part)| unsafe { to_pixels_at(part, channels, shared.at(block * BLOCK), filters) },
    );
    multiply([g.batch, filters, channels], (x, [channels, 1]), &turned, bias)
}

pub fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    multiply([g.batch, g.channels, g.filters], (gradient, [g.filters, 1]), weight, bias)
}

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    multiply([g.filters, g.channels, g.batch], (gradient, [1, g.filters]), x, None)
}

/// `bias + left · right`, `[rows, columns]`. The left matrix has strides for rows and columns.
///
/// The columns that fill no vector are those of a matrix of their own, whose products are copied into their places.
fn multiply(
    [rows, columns, depth]: [usize; 3],
    (left, [row, step]): (&[f32], [usize; 2]),
    right: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let whole = columns / NARROWEST * NARROWEST;
    let rest = last_columns(right, columns, whole);
    let high = rows.clamp(1, ROWS);
    let broad = (TASK / (high * depth).max(1)).next_multiple_of(PANEL).clamp(PANEL, columns.next_multiple_of(PANEL));
    let across = columns.div_ceil(broad);
    let fill = |out: Shared| {
        (0..across * rows.div_ceil(high)).into_par_iter().for_each(|task| {
            let (first, column) = (task / across * high, task % across * broad);
            let (rows, end) = (high.min(rows - first), columns.min(column + broad));
            let left = |at: usize| Left { at: left[first * row + at * step..].as_ptr(), row, column: step };
            let bias = bias.map(|bias| &bias[column..end]);
            // SAFETY: only this task writes these rows and columns; all places are inside the matrices.
            unsafe {
                let here = Out { at: out.at(first * columns + column), row: columns };
                let sizes = [rows, end.min(whole).saturating_sub(column), depth];
                sum(sizes, left, (right[column.min(right.len())..].as_ptr(), columns), bias, here);
                if end > whole {
                    let mut sums = Scratch::new(rows * NARROWEST);
                    let bias = bias.map(|bias| &bias[sizes[1]..]);
                    let apart = Out { at: sums.as_mut_ptr(), row: NARROWEST };
                    sum([rows, NARROWEST, depth], left, (rest.as_ptr(), NARROWEST), bias, apart);
                    for (at, sums) in sums.chunks_exact(NARROWEST).enumerate() {
                        let to = here.at.add(at * columns + sizes[1]);
                        to.copy_from_nonoverlapping(sums.as_ptr(), end - whole);
                    }
                }
            }
        });
    };
    // SAFETY: the tasks write every row and column.
    unsafe { written(rows * columns, fill) }
}

/// One task's `bias + left · right`.
///
/// # Safety
/// All places of the matrices can be read, and those of `out` written.
unsafe fn sum(
    [rows, columns, depth]: [usize; 3],
    left: impl Fn(usize) -> Left,
    (right, width): (*const f32, usize),
    bias: Option<&[f32]>,
    out: Out,
) {
    // SAFETY: the caller's contract.
    unsafe {
        begin([rows, columns], bias, depth, out);
        for at in (0..depth).step_by(DEPTH) {
            let right = Right { at: right.add(at * width), row: width };
            let sizes = [rows, columns, DEPTH.min(depth - at)];
            product(sizes, left(at), right, out, at > 0 || bias.is_some());
        }
    }
}

/// Fills every row with the bias, followed by zeros; with zeros, where nothing would be added to it.
///
/// # Safety
/// The rows and columns of `out` can be written.
unsafe fn begin([rows, columns]: [usize; 2], bias: Option<&[f32]>, depth: usize, out: Out) {
    if bias.is_none() && depth > 0 {
        return;
    }
    let bias = bias.unwrap_or_default();
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
