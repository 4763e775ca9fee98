//! ELU, its derivative from its output, and its inverse, in place over rows of a matrix.

use crate::lanes::{Lanes, kernel};
use crate::vector::{EXPONENTIAL, LN_2, ROUND};

/// x + x² · (c₀ + c₁x + …).
#[inline(always)]
unsafe fn from_square<S: Lanes, const N: usize>(x: S::V, coefficients: &[f32; N]) -> S::V {
    // SAFETY: arithmetic on vectors of the set that the caller runs on, as in the functions below.
    unsafe {
        let mut p = S::splat(coefficients[N - 1]);
        for c in coefficients[..N - 1].iter().rev() {
            p = S::fma(p, x, S::splat(*c));
        }
        S::fma(S::mul(x, x), p, x)
    }
}

/// exp(x) − 1 for x ≤ 0, accurate to one ulp of 1: powers of two and a polynomial.
#[inline(always)]
unsafe fn exp_minus_one<S: Lanes>(x: S::V) -> S::V {
    // SAFETY: as above.
    unsafe {
        let x = S::max(S::splat(-80.0), x);
        let n = S::sub(S::fma(x, S::splat(std::f32::consts::LOG2_E), S::splat(ROUND)), S::splat(ROUND));
        let r = S::fma(n, S::splat(-LN_2[0]), x);
        let r = S::fma(n, S::splat(LN_2[1]), r);
        let small = from_square::<S, 6>(r, &EXPONENTIAL);
        let power = S::power_of_two(n);
        S::fma(power, small, S::sub(power, S::splat(1.0)))
    }
}

/// exp(x) − 1 for x in [−1, 0], within 1.3 units in the last place: the polynomial of least relative error.
#[inline(always)]
unsafe fn exp_minus_one_near<S: Lanes>(x: S::V) -> S::V {
    const COEFFICIENTS: [f32; 6] =
        [0.499_999_85, 0.166_663_99, 0.041_648_958, 8.279_162e-3, 1.303_789_6e-3, 1.300_261e-4];
    // SAFETY: as above.
    unsafe { from_square::<S, 6>(x, &COEFFICIENTS) }
}

/// ln(1 + s) for s in [1/e − 1, 0], within 1.4 units in the last place: the polynomial of least relative error.
#[inline(always)]
unsafe fn log_plus_one<S: Lanes>(s: S::V) -> S::V {
    const COEFFICIENTS: [f32; 10] = [
        -0.499_991_86,
        0.333_916_63,
        -0.235_556_36,
        0.375_849_54,
        1.049_742_8,
        5.256_895_5,
        13.240_732,
        21.442_104,
        19.115_652,
        7.751_536_4,
    ];
    // SAFETY: as above.
    unsafe { from_square::<S, 10>(s, &COEFFICIENTS) }
}

#[inline(always)]
unsafe fn elu_rows<S: Lanes>(rows: usize, [near, columns]: [usize; 2], at: *mut f32, row: usize) {
    let near = near / S::N * S::N;
    // SAFETY: the caller gives `rows` rows of `columns` values, padded to whole vectors.
    unsafe {
        let zero = S::splat(0.0);
        for i in 0..rows {
            for j in (0..columns).step_by(S::N) {
                let place = at.add(i * row + j);
                let x = S::load(place);
                let low = S::min(zero, x);
                let below = if j < near { exp_minus_one_near::<S>(low) } else { exp_minus_one::<S>(low) };
                S::store(place, S::if_positive(x, x, below));
            }
        }
    }
}

kernel! {
    /// h = elu(h) for `rows` rows of some columns, `row` apart. `[near, columns]`: the first `near` columns are results of an ELU, so not
    /// less than −1.
    ///
    /// # Safety
    /// The rows can be written, the columns rounded up to 16.
    pub unsafe fn elu(rows: usize, columns: [usize; 2], at: *mut f32, row: usize) => elu_rows
}

/// The distance of prefetching, in rows.
const AHEAD: usize = 4;

#[inline(always)]
unsafe fn elu_gradient_rows<S: Lanes>(
    rows: usize,
    columns: usize,
    value: *mut f32,
    gradient: *mut f32,
    row: usize,
    undo: bool,
) {
    // SAFETY: as above, for both matrices.
    unsafe {
        let one = S::splat(1.0);
        for i in 0..rows {
            for j in (0..columns).step_by(S::N) {
                let (value, gradient) = (value.add(i * row + j), gradient.add(i * row + j));
                // Rows are often a page apart, which hardware prefetchers do not handle.
                S::prefetch(value.wrapping_add(AHEAD * row));
                S::prefetch(gradient.wrapping_add(AHEAD * row));
                let h = S::load(value);
                let slope = S::if_positive(h, one, S::add(h, one));
                S::store(gradient, S::mul(S::load(gradient), slope));
                if undo {
                    // The minimum of ELU for inputs from −1; rounding may be slightly below.
                    let low = S::max(S::splat(-0.632_120_6), S::min(S::splat(0.0), h));
                    let before = S::max(S::splat(-1.0), log_plus_one::<S>(low));
                    S::store(value, S::if_positive(h, h, before));
                }
            }
        }
    }
}

kernel! {
    /// Converts gradients of ELU's outputs to gradients of its inputs, in place. With `undo`, it also converts outputs
    /// to inputs, if these are outputs of an ELU themselves.
    ///
    /// # Safety
    /// The rows of both matrices can be written, the columns rounded up to 16.
    pub unsafe fn elu_gradient(rows: usize, columns: usize, value: *mut f32, gradient: *mut f32, row: usize, undo: bool) => elu_gradient_rows
}
