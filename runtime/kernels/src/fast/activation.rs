//! ELU, its derivative from its output, and its inverse, in place over rows of a matrix.

use crate::lanes::{Lanes, kernel};
use crate::vector::{EXPONENTIAL, LN_2, ROUND};

/// exp(x) − 1 for x ≤ 0, accurate to one ulp of 1: powers of two and a polynomial.
#[inline(always)]
unsafe fn exp_minus_one<S: Lanes>(x: S::V) -> S::V {
    let [first @ .., last] = EXPONENTIAL;
    // SAFETY: arithmetic on vectors of the set that the caller runs on.
    unsafe {
        let x = S::max(x, S::splat(-80.0));
        let n = S::sub(S::fma(x, S::splat(std::f32::consts::LOG2_E), S::splat(ROUND)), S::splat(ROUND));
        let r = S::fma(n, S::splat(-LN_2[0]), x);
        let r = S::fma(n, S::splat(LN_2[1]), r);
        let mut p = S::splat(last);
        for c in first.iter().rev() {
            p = S::fma(p, r, S::splat(*c));
        }
        let small = S::fma(S::mul(r, r), p, r);
        let power = S::power_of_two(n);
        S::fma(power, small, S::sub(power, S::splat(1.0)))
    }
}

/// ln(1 + s) for s in [1/e − 1, 0].
#[inline(always)]
unsafe fn log_plus_one<S: Lanes>(s: S::V) -> S::V {
    const POLYNOMIAL: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        0.333_333_3,
    ];
    // SAFETY: as above.
    unsafe {
        // Below 1/√2, double the argument and subtract ln 2.
        let near = S::add(s, S::splat(1.0 - std::f32::consts::FRAC_1_SQRT_2));
        let f = S::if_positive(near, s, S::fma(s, S::splat(2.0), S::splat(1.0)));
        let back = S::if_positive(near, S::splat(0.0), S::splat(-std::f32::consts::LN_2));
        let mut p = S::splat(POLYNOMIAL[0]);
        for c in &POLYNOMIAL[1..] {
            p = S::fma(p, f, S::splat(*c));
        }
        let squares = S::mul(f, f);
        let tail = S::fma(S::mul(squares, f), p, S::mul(squares, S::splat(-0.5)));
        S::add(back, S::add(f, tail))
    }
}

#[inline(always)]
unsafe fn elu_rows<S: Lanes>(rows: usize, columns: usize, at: *mut f32, row: usize) {
    // SAFETY: the caller gives `rows` rows of `columns` values, padded to whole vectors.
    unsafe {
        for i in 0..rows {
            for j in (0..columns).step_by(S::N) {
                let place = at.add(i * row + j);
                let x = S::load(place);
                S::store(place, S::if_positive(x, x, exp_minus_one::<S>(S::min(x, S::splat(0.0)))));
            }
        }
    }
}

kernel! {
    /// h = elu(h) for `rows` rows of `columns` values, `row` apart.
    ///
    /// # Safety
    /// The rows can be written, the columns rounded up to 16.
    pub unsafe fn elu(rows: usize, columns: usize, at: *mut f32, row: usize) => elu_rows
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
                    let low = S::max(S::min(h, S::splat(0.0)), S::splat(-0.632_120_6));
                    let before = S::max(log_plus_one::<S>(low), S::splat(-1.0));
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
