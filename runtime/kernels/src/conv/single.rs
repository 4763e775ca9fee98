//! The f32 kernels for affine maps of vectors (1x1 convolutions of images of one pixel). Each pass is one GEMM over the
//! records in their memory layout.

use super::geometry::Geometry;
use crate::fast::planes::to_pixels_at;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::{Shared, padded, scratch::Scratch, written};
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
    let (channels, wide) = (g.channels, padded(g.filters));
    let mut turned = Scratch::new(channels * wide);
    if wide > g.filters {
        // Padding columns are computed too, and dropped.
        turned.fill(0.0);
    }
    let shared = Shared::new(&mut turned);
    weight.par_chunks(BLOCK * channels).enumerate().with_min_len((TASK / 4 / (BLOCK * channels)).max(1)).for_each(
        // SAFETY: the columns of these filters, which no other block has.
        |(block, filters)| unsafe { to_pixels_at(filters, channels, shared.at(block * BLOCK), wide) },
    );
    multiply([g.batch, g.filters, channels], (x, [channels, 1]), (&turned, wide), bias)
}

pub fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    multiply([g.batch, g.channels, g.filters], (gradient, [g.filters, 1]), (weight, g.channels), bias)
}

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    multiply([g.filters, g.channels, g.batch], (gradient, [1, g.filters]), (x, g.channels), None)
}

/// `bias + left · right`, `[rows, columns]`. The left matrix has strides for rows and columns, the right one a stride
/// for rows.
fn multiply(
    [rows, columns, depth]: [usize; 3],
    (left, [row, step]): (&[f32], [usize; 2]),
    (right, width): (&[f32], usize),
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let wide = padded(columns);
    let copied = (width < wide).then(|| widened(right, width, wide));
    let (right, width) = copied.as_deref().map_or((right, width), |copied| (copied, wide));
    let high = rows.clamp(1, ROWS);
    let broad = (TASK / (high * depth).max(1)).next_multiple_of(PANEL).clamp(PANEL, wide.next_multiple_of(PANEL));
    let across = wide.div_ceil(broad);
    let fill = |out: Shared, row_of_out: usize| {
        (0..across * rows.div_ceil(high)).into_par_iter().for_each(|task| {
            let (first, column) = (task / across * high, task % across * broad);
            let sizes = [high.min(rows - first), broad.min(wide - column)];
            // SAFETY: only this task writes these rows and columns; all places are inside the matrices.
            unsafe {
                let out = Out { at: out.at(first * row_of_out + column), row: row_of_out };
                begin(sizes, bias.map(|bias| &bias[column.min(bias.len())..]), out);
                for at in (0..depth).step_by(DEPTH) {
                    let left = Left { at: left.as_ptr().add(first * row + at * step), row, column: step };
                    let right = Right { at: right.as_ptr().add(at * width + column), row: width };
                    product([sizes[0], sizes[1], DEPTH.min(depth - at)], left, right, out, at > 0 || bias.is_some());
                }
            }
        });
    };
    if columns == wide && depth > 0 {
        // SAFETY: the tasks write every row and column.
        return unsafe { written(rows * columns, |out| fill(out, columns)) };
    }
    let mut sums = Scratch::new(rows * wide);
    if depth == 0 {
        sums.fill(0.0);
    }
    fill(Shared::new(&mut sums), wide);
    let mut out = Vec::with_capacity(rows * columns);
    sums.chunks_exact(wide).for_each(|row| out.extend_from_slice(&row[..columns]));
    out
}

/// Fills every row with the bias, followed by zeros.
///
/// # Safety
/// The rows and columns of `out` can be written.
unsafe fn begin([rows, columns]: [usize; 2], bias: Option<&[f32]>, out: Out) {
    let Some(bias) = bias else { return };
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

/// Rows padded with zeros.
fn widened(matrix: &[f32], width: usize, wide: usize) -> Scratch {
    let mut out = Scratch::new(matrix.len() / width.max(1) * wide);
    for (to, from) in out.chunks_exact_mut(wide).zip(matrix.chunks_exact(width)) {
        to[..width].copy_from_slice(from);
        to[width..].fill(0.0);
    }
    out
}
