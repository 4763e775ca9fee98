//! Products of whole matrices, f32, divided into tasks. The order of every sum is that of its depth.

use super::product::{Left, Out, Right, product};
use super::{NARROWEST, Shared, scratch::Scratch};
use rayon::prelude::*;
use std::ops::Range;

/// The depth of one product. With a panel of the right matrix it fits into the L2 cache.
pub const DEPTH: usize = 256;
/// Rows per task, if there are as many.
const ROWS: usize = 96;
/// The number of columns per task is a multiple of this.
pub const PANEL: usize = 64;
/// The minimum of multiply-accumulates per task; waking another thread takes as long as this many.
pub const TASK: usize = 1 << 20;

/// The values to which products are added.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    Zeros,
    /// A value for each column.
    Bias(&'a [f32]),
    /// Those of the result.
    Sums,
}

impl<'a> Start<'a> {
    fn columns(self, columns: Range<usize>) -> Self {
        match self {
            Self::Bias(bias) => Self::Bias(&bias[columns]),
            other => other,
        }
    }
}

/// `left · right`, added to a start. The left matrix has strides for rows and columns, the right one and the result for rows. The
/// columns that fill no vector are those of a matrix of their own, whose products are copied into their places.
///
/// # Safety
/// `out` has all rows and columns.
pub unsafe fn multiply(
    [rows, columns, depth]: [usize; 3],
    (left, [row, step]): (&[f32], [usize; 2]),
    (right, width): (&[f32], usize),
    start: Start<'_>,
    (out, stride): (Shared, usize),
) {
    let whole = columns / NARROWEST * NARROWEST;
    let rest = last_columns((right, width), columns, whole);
    let high = rows.clamp(1, ROWS);
    let broad = (TASK / (high * depth).max(1)).next_multiple_of(PANEL).clamp(PANEL, columns.next_multiple_of(PANEL));
    let across = columns.div_ceil(broad);
    (0..across * rows.div_ceil(high)).into_par_iter().for_each(|task| {
        let (first, column) = (task / across * high, task % across * broad);
        let (rows, end) = (high.min(rows - first), columns.min(column + broad));
        let left = Left { at: left[first * row..].as_ptr(), row, column: step };
        // SAFETY: only this task writes these rows and columns; all places are inside the matrices.
        unsafe {
            let here = Out { at: out.at(first * stride + column), row: stride };
            let count = end.min(whole).saturating_sub(column);
            let right = (right[column.min(right.len())..].as_ptr(), width);
            sum([rows, count, depth], left, right, start.columns(column..column + count), here);
            if end > whole {
                let more = end - column - count;
                let mut sums = Scratch::new(rows * NARROWEST);
                let apart = Out { at: sums.as_mut_ptr(), row: NARROWEST };
                let place = |at: usize| here.at.add(at * stride + count);
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

/// The products of one task, added to their start.
///
/// # Safety
/// All places of the matrices can be read, and those of `out` written.
pub unsafe fn sum(
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

/// The first `columns` columns of a matrix from `first` on, padded with zeros.
fn last_columns((matrix, width): (&[f32], usize), columns: usize, first: usize) -> Scratch {
    let rows = if first < columns { (matrix.len() + width - columns) / width } else { 0 };
    let mut out = Scratch::new(rows * NARROWEST);
    for (to, from) in out.chunks_exact_mut(NARROWEST).zip(matrix.chunks(width.max(1))) {
        let (values, padding) = to.split_at_mut(columns - first);
        values.copy_from_slice(&from[first..columns]);
        padding.fill(0.0);
    }
    out
}
