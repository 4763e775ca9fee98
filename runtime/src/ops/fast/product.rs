//! The matrix product all fast kernels are made of: C (+)= A · B without packing.
//!
//! A is read one value at a time (any strides, so transposed is free), B and C by vectors along their rows. Callers keep
//! the depth at a few hundred and B's panel within the second cache level; a tile of C stays in registers.

use super::lanes::{Lanes, kernel};

/// Rows of a tile of C.
const ROWS: usize = 6;

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
}

/// The result, written by vectors along its rows, `row` values apart.
#[derive(Clone, Copy)]
pub struct Out {
    pub at: *mut f32,
    pub row: usize,
}

kernel! {
    /// `out = left · right`, or `+=` if `add`; `[rows, columns, depth]`, the columns a multiple of 16.
    ///
    /// # Safety
    /// Every element of the three matrices can be accessed, and `out` overlaps neither of the others.
    pub unsafe fn product(sizes: [usize; 3], left: Left, right: Right, out: Out, add: bool) => panels
}

/// For kernels that contain products: the same, inlined.
///
/// # Safety
/// As for [`product`], on a processor that has the set.
#[inline(always)]
pub unsafe fn panels<S: Lanes>([rows, columns, depth]: [usize; 3], left: Left, right: Right, out: Out, add: bool) {
    debug_assert!(columns % 16 == 0 && out.row >= columns && right.row >= columns);
    let width = S::PANEL * S::N;
    let parts = rows.div_ceil(ROWS);
    let mut column = 0;
    while column < columns {
        let vectors = ((columns - column) / S::N).min(S::PANEL);
        for part in 0..parts {
            // Even parts: 32 rows are 6, 6, 5, 5, 5, 5, all of them near the best shape.
            let (first, end) = (part * rows / parts, (part + 1) * rows / parts);
            // SAFETY: the tile lies inside the matrices, by the bounds of the loops.
            unsafe {
                let left = Left { at: left.at.add(first * left.row), ..left };
                let right = Right { at: right.at.add(column), ..right };
                let out = Out { at: out.at.add(first * out.row + column), ..out };
                match vectors {
                    1 => tall::<S, 1>(end - first, depth, left, right, out, add),
                    2 => tall::<S, 2>(end - first, depth, left, right, out, add),
                    3 => tall::<S, 3>(end - first, depth, left, right, out, add),
                    _ => tall::<S, 4>(end - first, depth, left, right, out, add),
                }
            }
        }
        column += width.min(columns - column);
    }
}

#[inline(always)]
unsafe fn tall<S: Lanes, const V: usize>(rows: usize, depth: usize, left: Left, right: Right, out: Out, add: bool) {
    // SAFETY: as the caller's.
    unsafe {
        match rows {
            1 => tile::<S, 1, V>(depth, left, right, out, add),
            2 => tile::<S, 2, V>(depth, left, right, out, add),
            3 => tile::<S, 3, V>(depth, left, right, out, add),
            4 => tile::<S, 4, V>(depth, left, right, out, add),
            5 => tile::<S, 5, V>(depth, left, right, out, add),
            _ => tile::<S, 6, V>(depth, left, right, out, add),
        }
    }
}

#[inline(always)]
unsafe fn tile<S: Lanes, const R: usize, const V: usize>(depth: usize, left: Left, right: Right, out: Out, add: bool) {
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
        let (mut a, mut b) = (left.at, right.at);
        for _ in 0..depth {
            let mut vectors = [S::splat(0.0); V];
            for (j, vector) in vectors.iter_mut().enumerate() {
                *vector = S::load(b.add(j * S::N));
            }
            for (i, row) in sums.iter_mut().enumerate() {
                let value = S::splat(*a.add(i * left.row));
                for (sum, vector) in row.iter_mut().zip(&vectors) {
                    *sum = S::fma(value, *vector, *sum);
                }
            }
            (a, b) = (a.wrapping_add(left.column), b.wrapping_add(right.row));
        }
        for (i, row) in sums.iter().enumerate() {
            for (j, sum) in row.iter().enumerate() {
                S::store(out.at.add(i * out.row + j * S::N), *sum);
            }
        }
    }
}
