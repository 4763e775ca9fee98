//! The f32 kernels of 1x1 convolutions at stride 1: GEMMs over the planes as they lie in memory, a panel of pixels at a time.
//!
//! A panel's planes are copied side by side first: planes are often a page apart, where a GEMM would miss every cache. The
//! gradient of the weight turns one of its two operands, the one of fewer channels.

use super::geometry::Geometry;
use super::rows::weight_of;
use crate::fast::matrix::{DEPTH, TASK};
use crate::fast::planes::turn;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::{Shared, added, padded, parts_of, scratch::Scratch, written};
use rayon::prelude::*;

/// Pixels of a panel.
const PANEL: usize = 64;
/// Pixels that are turned at a time.
const STRIP: usize = 256;
/// Pixels of a part of the sum in the gradient of the weight at least.
const LEAST: usize = 2048;

pub fn pays(g: &Geometry) -> bool {
    g.is_pointwise() && g.pixels() >= 16 && g.channels.min(g.filters) >= 4
}

pub fn forward(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    multiply(g, [g.filters, g.channels], (weight, [g.channels, 1]), x, bias)
}

pub fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    multiply(g, [g.channels, g.filters], (weight, [1, g.channels]), gradient, bias)
}

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    if g.filters <= g.channels {
        return weight_of(&sums(g, (x, g.channels), (gradient, g.filters)), [g.channels, g.filters]);
    }
    let sums = sums(g, (gradient, g.filters), (x, g.channels));
    sums.chunks_exact(padded(g.channels)).take(g.filters).flat_map(|row| &row[..g.channels]).copied().collect()
}

/// Pixels of one image among those of a panel.
struct Piece {
    image: usize,
    /// The first, in the image.
    pixel: usize,
    /// The first, in the panel.
    at: usize,
    count: usize,
}

/// The pieces of `columns` pixels of the batch from `first` on.
fn pieces(first: usize, columns: usize, pixels: usize) -> impl Iterator<Item = Piece> + Clone {
    (first / pixels..(first + columns).div_ceil(pixels)).map(move |image| {
        let (begin, end) = ((image * pixels).max(first), ((image + 1) * pixels).min(first + columns));
        Piece { image, pixel: begin - image * pixels, at: begin - first, count: end - begin }
    })
}

/// `bias + left · x` at every pixel, `[N, rows, pixels]` of `[N, depth, pixels]`. The left matrix has a step between rows and
/// one between columns.
fn multiply(
    g: &Geometry,
    [rows, depth]: [usize; 2],
    (left, [row, step]): (&[f32], [usize; 2]),
    x: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let (pixels, total) = (g.pixels(), g.batch * g.pixels());
    let tasks = (0..total.div_ceil(PANEL)).into_par_iter().with_min_len((TASK / (rows * depth * PANEL)).max(1));
    let fill = |out: Shared| {
        tasks.for_each(|panel| {
            let first = panel * PANEL;
            let columns = PANEL.min(total - first);
            let pieces = pieces(first, columns, pixels);
            let packed = packed(pieces.clone(), [depth, pixels], x);
            let whole = columns == PANEL && pieces.clone().count() == 1;
            let mut apart = Scratch::new(if whole { 0 } else { rows * PANEL });
            // SAFETY: the panel's pixels lie inside their images; this task alone writes them.
            unsafe {
                let place = out.at(first / pixels * rows * pixels + first % pixels);
                let here = match whole {
                    true => Out { at: place, row: pixels },
                    false => Out { at: apart.as_mut_ptr(), row: PANEL },
                };
                for r in 0..rows {
                    let value = bias.map_or(0.0, |bias| bias[r]);
                    let to = here.at.add(r * here.row);
                    (0..padded(columns)).for_each(|at| to.add(at).write(value));
                }
                for at in (0..depth).step_by(DEPTH) {
                    let left = Left { at: left.as_ptr().add(at * step), row, column: step };
                    let right = Right { at: packed.as_ptr().add(at * PANEL), row: PANEL, next: None };
                    product([rows, padded(columns), DEPTH.min(depth - at)], left, right, here, true);
                }
                if !whole {
                    for piece in pieces {
                        for r in 0..rows {
                            let to = out.at((piece.image * rows + r) * pixels + piece.pixel);
                            to.copy_from_nonoverlapping(apart[r * PANEL + piece.at..].as_ptr(), piece.count);
                        }
                    }
                }
            }
        });
    };
    // SAFETY: the panels are all pixels of all rows.
    unsafe { written(rows * total, fill) }
}

/// The planes of a panel side by side, `[depth, PANEL]`.
fn packed(pieces: impl Iterator<Item = Piece>, [depth, pixels]: [usize; 2], x: &[f32]) -> Scratch {
    let mut out = Scratch::new(depth * PANEL);
    for piece in pieces {
        let planes = x[piece.image * depth * pixels..].chunks_exact(pixels);
        for (to, plane) in out.chunks_exact_mut(PANEL).zip(planes) {
            to[piece.at..][..piece.count].copy_from_slice(&plane[piece.pixel..][..piece.count]);
        }
    }
    out
}

/// `Σ left[row] · right[column]` over all pixels of all images, `[rows, columns padded]`, at the start of what is returned: in
/// parts of a fixed size, which are added in order.
fn sums(g: &Geometry, (left, rows): (&[f32], usize), (right, columns): (&[f32], usize)) -> Scratch {
    let (pixels, wide) = (g.pixels(), padded(columns));
    let (strip, across) = (pixels.min(STRIP), pixels.div_ceil(STRIP));
    let strips = g.batch * across;
    let parts = parts_of(1, strips, LEAST.div_ceil(strip));
    let size = rows * wide;
    let mut all = Scratch::new(parts * size);
    all.par_chunks_mut(size).enumerate().for_each(|(part, sums)| {
        let mut turned = Scratch::new(strip * wide);
        // What pads the columns is multiplied too, into columns that are never read.
        turned.chunks_exact_mut(wide).for_each(|row| row[columns..].fill(0.0));
        let begin = part * strips / parts;
        for at in begin..(part + 1) * strips / parts {
            let (image, first) = (at / across, at % across * STRIP);
            let count = STRIP.min(pixels - first);
            let (left, right) = (&left[image * rows * pixels + first..], &right[image * columns * pixels + first..]);
            // SAFETY: `count` pixels of each plane from `first` on, and as many rows of `turned`; the part's own sums.
            unsafe {
                turn(right.as_ptr(), pixels, [columns, count], turned.as_mut_ptr(), wide);
                let left = Left { at: left.as_ptr(), row: pixels, column: 1 };
                let right = Right { at: turned.as_ptr(), row: wide, next: None };
                let out = Out { at: sums.as_mut_ptr(), row: wide };
                product([rows, wide, count], left, right, out, at > begin);
            }
        }
    });
    added(&mut all, size);
    all
}
