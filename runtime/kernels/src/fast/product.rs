//! The GEMM of all fast kernels: C (+)= A · B without packing.
//!
//! A is read by single values (with any strides, so a transposed A costs nothing more), B and C by vectors along their
//! rows. Callers keep the depth at a few hundred and B's panel within the L2 cache; a tile of C stays in registers. If
//! rows or depth have no fixed stride, as for the pixels under a tap of a convolution, [`gathered`] reads their offsets
//! from lists.

use super::NARROWEST;
use crate::lanes::{Lanes, kernel};

/// Rows of a tile of C.
const ROWS: usize = 6;
/// Rows of a tile of a single vector, enough for sums that do not wait for one another.
const MANY: usize = 12;
/// Rows of the left matrix that share a pointer.
const SHARED: usize = 3;
/// Values of a cache line.
const LINE: usize = 16;

/// Values of a matrix that is fetched for the next product, at least: smaller ones stay near.
const FETCHED: usize = 1 << 11;

/// A matrix read value by value: row `i`, column `j` at `i · row + j · column`.
#[derive(Clone, Copy)]
pub struct Left {
    pub at: *const f32,
    pub row: usize,
    pub column: usize,
}

/// A matrix read by vectors along its rows, `row` values apart.
#[derive(Clone, Copy)]
pub struct Right {
    pub at: *const f32,
    pub row: usize,
    /// Memory of the same size that is read after this product, and does not follow this matrix directly: it is fetched into the cache
    /// meanwhile.
    pub next: Option<*const f32>,
}

/// The result, written by vectors along its rows, `row` values apart.
#[derive(Clone, Copy)]
pub struct Out {
    pub at: *mut f32,
    pub row: usize,
}

/// What a tile fetches into the cache, for the next product.
#[derive(Clone, Copy)]
struct Ahead {
    at: *const f32,
    /// Cache lines for each [`LINE`] of the depth.
    lines: usize,
}

impl Ahead {
    /// The share of each tile of `rows` by `columns`.
    fn of(right: Right, [tiles, depth]: [usize; 2]) -> Self {
        match right.next.filter(|_| depth * right.row >= FETCHED) {
            Some(at) => Self { at, lines: (depth * right.row / LINE).div_ceil(tiles.max(1) * depth.div_ceil(LINE)) },
            None => Self { at: right.at, lines: 0 },
        }
    }

    /// The share of the tile after one of this depth.
    fn after(self, depth: usize) -> Self {
        Self { at: self.at.wrapping_add(self.lines * depth.next_multiple_of(LINE)), ..self }
    }

    #[inline(always)]
    fn fetch<S: Lanes>(self) {
        for line in 0..self.lines {
            S::prefetch(self.at.wrapping_add(line * LINE));
        }
    }
}

kernel! {
    /// `out = left · right`, or `+=` if `add`; `[rows, columns, depth]`, where columns are a multiple of 8.
    ///
    /// # Safety
    /// Every element of the three matrices can be accessed, and `out` does not overlap the others.
    pub unsafe fn product(sizes: [usize; 3], left: Left, right: Right, out: Out, add: bool) => panels
}

/// The product for use inside of kernels, inlined.
///
/// # Safety
/// As for [`product`], on a processor that has the set.
#[inline(always)]
pub unsafe fn panels<S: Lanes>([rows, columns, depth]: [usize; 3], left: Left, right: Right, out: Out, add: bool) {
    debug_assert!(columns.is_multiple_of(NARROWEST) && out.row >= columns && right.row >= columns);
    let mut ahead = Ahead::of(right, [rows.div_ceil(ROWS) * columns.div_ceil(S::N * S::PANEL), depth]);
    let mut column = 0;
    while column < columns {
        let vectors = ((columns - column) / S::N).min(S::PANEL);
        let most = if vectors > 1 { ROWS } else { MANY };
        let parts = rows.div_ceil(most);
        for part in 0..parts {
            // Even parts: 32 rows are 6, 6, 5, 5, 5, 5, all close to the best shape.
            let (first, end) = (part * rows / parts, (part + 1) * rows / parts);
            // SAFETY: the tile lies inside the matrices, by the bounds of the loops.
            unsafe {
                let left = Left { at: left.at.add(first * left.row), ..left };
                let right = Right { at: right.at.add(column), ..right };
                let out = Out { at: out.at.add(first * out.row + column), ..out };
                match vectors {
                    0 => narrow::<S::Half>(end - first, depth, left, right, out, add, ahead),
                    1 => narrow::<S>(end - first, depth, left, right, out, add, ahead),
                    2 => tall::<S, 2>(end - first, depth, left, right, out, add, ahead),
                    3 => tall::<S, 3>(end - first, depth, left, right, out, add, ahead),
                    _ => tall::<S, 4>(end - first, depth, left, right, out, add, ahead),
                }
            }
            ahead = ahead.after(depth);
        }
        column += if vectors == 0 { S::Half::N } else { vectors * S::N };
    }
}

/// Up to [`MANY`] rows of one vector.
#[inline(always)]
unsafe fn narrow<S: Lanes>(rows: usize, depth: usize, left: Left, right: Right, out: Out, add: bool, ahead: Ahead) {
    // SAFETY: as the caller's.
    unsafe {
        match rows {
            ..=ROWS => tall::<S, 1>(rows, depth, left, right, out, add, ahead),
            7 => tile::<S, 7, 1>(depth, left, right, out, add, ahead),
            8 => tile::<S, 8, 1>(depth, left, right, out, add, ahead),
            9 => tile::<S, 9, 1>(depth, left, right, out, add, ahead),
            10 => tile::<S, 10, 1>(depth, left, right, out, add, ahead),
            11 => tile::<S, 11, 1>(depth, left, right, out, add, ahead),
            _ => tile::<S, MANY, 1>(depth, left, right, out, add, ahead),
        }
    }
}

#[inline(always)]
unsafe fn tall<S: Lanes, const V: usize>(
    rows: usize,
    depth: usize,
    left: Left,
    right: Right,
    out: Out,
    add: bool,
    ahead: Ahead,
) {
    // SAFETY: as the caller's.
    unsafe {
        match rows {
            1 => tile::<S, 1, V>(depth, left, right, out, add, ahead),
            2 => tile::<S, 2, V>(depth, left, right, out, add, ahead),
            3 => tile::<S, 3, V>(depth, left, right, out, add, ahead),
            4 => tile::<S, 4, V>(depth, left, right, out, add, ahead),
            5 => tile::<S, 5, V>(depth, left, right, out, add, ahead),
            _ => tile::<S, 6, V>(depth, left, right, out, add, ahead),
        }
    }
}

#[inline(always)]
unsafe fn tile<S: Lanes, const R: usize, const V: usize>(
    depth: usize,
    left: Left,
    right: Right,
    out: Out,
    add: bool,
    ahead: Ahead,
) {
    // SAFETY: R rows, V vectors and `depth` steps lie inside the matrices, by the caller's contract.
    unsafe {
        let mut sums = [[S::splat(0.0); V]; R];
        if add {
            for (i, row) in sums.iter_mut().enumerate() {
                for (j, sum) in row.iter_mut().enumerate() {
                    *sum = S::load(out.at.add(i * out.row + j * S::N));
                }
            }
        }
        // Three rows share a pointer, from which the processor adds none, one or two rows itself; with one pointer, it would wait for
        // a chain of sums.
        let mut starts: [*const f32; MANY / SHARED] =
            std::array::from_fn(|g| left.at.wrapping_add(g * SHARED * left.row));
        let (mut b, mut ahead) = (right.at, ahead);
        let mut done = 0;
        while done < depth {
            // Hardware prefetchers do not predict these: a cache line of each of the next tile's rows, or the next
            // lines of a transposed matrix.
            if left.column == 1 {
                for i in R..2 * R {
                    S::prefetch(starts[0].wrapping_add(i * left.row));
                }
            } else {
                for step in LINE..2 * LINE {
                    S::prefetch(starts[0].wrapping_add(step * left.column));
                }
            }
            ahead.fetch::<S>();
            ahead = ahead.after(LINE);
            let end = depth.min(done + LINE);
            for _ in done..end {
                let mut vectors = [S::splat(0.0); V];
                for (j, vector) in vectors.iter_mut().enumerate() {
                    *vector = S::load(b.add(j * S::N));
                }
                for (g, start) in starts.iter_mut().enumerate() {
                    for k in 0..SHARED {
                        if g * SHARED + k < R {
                            let value = S::splat(*start.add(k * left.row));
                            for (sum, vector) in sums[g * SHARED + k].iter_mut().zip(&vectors) {
                                *sum = S::fma(value, *vector, *sum);
                            }
                        }
                    }
                    *start = start.wrapping_add(left.column);
                }
                b = b.wrapping_add(right.row);
            }
            done = end;
        }
        for (i, row) in sums.iter().enumerate() {
            for (j, sum) in row.iter().enumerate() {
                S::store(out.at.add(i * out.row + j * S::N), *sum);
            }
        }
    }
}

kernel! {
    /// `out[o + j] += Σ left[l + a] · right[b + j]` over the steps `[a, b]`, for each row `[l, o]` and each `j` below
    /// `columns`, a multiple of 16.
    ///
    /// # Safety
    /// Every such element can be accessed, the rows' results lie apart, and `out` overlaps neither of the others.
    pub unsafe fn gathered(
        columns: usize, left: *const f32, right: *const f32, out: *mut f32, rows: &[[usize; 2]], steps: &[[usize; 2]]
    ) => gathered_panels
}

#[inline(always)]
unsafe fn gathered_panels<S: Lanes>(
    columns: usize,
    left: *const f32,
    right: *const f32,
    out: *mut f32,
    rows: &[[usize; 2]],
    steps: &[[usize; 2]],
) {
    let parts = rows.len().div_ceil(ROWS);
    let mut column = 0;
    while column < columns {
        let vectors = ((columns - column) / S::N).min(S::PANEL);
        for part in 0..parts {
            let rows = &rows[part * rows.len() / parts..(part + 1) * rows.len() / parts];
            // SAFETY: the panel lies inside the columns.
            unsafe {
                let (right, out) = (right.add(column), out.add(column));
                match vectors {
                    1 => gathered_tall::<S, 1>(left, right, out, rows, steps),
                    2 => gathered_tall::<S, 2>(left, right, out, rows, steps),
                    3 => gathered_tall::<S, 3>(left, right, out, rows, steps),
                    _ => gathered_tall::<S, 4>(left, right, out, rows, steps),
                }
            }
        }
        column += vectors * S::N;
    }
}

#[inline(always)]
unsafe fn gathered_tall<S: Lanes, const V: usize>(
    left: *const f32,
    right: *const f32,
    out: *mut f32,
    rows: &[[usize; 2]],
    steps: &[[usize; 2]],
) {
    // SAFETY: as the caller's.
    unsafe {
        match rows.len() {
            1 => gathered_tile::<S, 1, V>(left, right, out, rows, steps),
            2 => gathered_tile::<S, 2, V>(left, right, out, rows, steps),
            3 => gathered_tile::<S, 3, V>(left, right, out, rows, steps),
            4 => gathered_tile::<S, 4, V>(left, right, out, rows, steps),
            5 => gathered_tile::<S, 5, V>(left, right, out, rows, steps),
            _ => gathered_tile::<S, 6, V>(left, right, out, rows, steps),
        }
    }
}

#[inline(always)]
unsafe fn gathered_tile<S: Lanes, const R: usize, const V: usize>(
    left: *const f32,
    right: *const f32,
    out: *mut f32,
    rows: &[[usize; 2]],
    steps: &[[usize; 2]],
) {
    // SAFETY: R rows, V vectors and every step lie inside the matrices, by the caller's contract.
    unsafe {
        let lefts: [*const f32; R] = std::array::from_fn(|i| left.add(rows[i][0]));
        let outs: [*mut f32; R] = std::array::from_fn(|i| out.add(rows[i][1]));
        let mut sums = [[S::splat(0.0); V]; R];
        for (row, out) in sums.iter_mut().zip(&outs) {
            for (j, sum) in row.iter_mut().enumerate() {
                *sum = S::load(out.add(j * S::N));
            }
        }
        for [a, b] in steps {
            let b = right.add(*b);
            let mut vectors = [S::splat(0.0); V];
            for (j, vector) in vectors.iter_mut().enumerate() {
                *vector = S::load(b.add(j * S::N));
            }
            for (row, left) in sums.iter_mut().zip(&lefts) {
                let value = S::splat(*left.add(*a));
                for (sum, vector) in row.iter_mut().zip(&vectors) {
                    *sum = S::fma(value, *vector, *sum);
                }
            }
        }
        for (row, out) in sums.iter().zip(&outs) {
            for (j, sum) in row.iter().enumerate() {
                S::store(out.add(j * S::N), *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests;
