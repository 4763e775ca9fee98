//! Sums over all positions of some values, with an order that depends on their number alone.

use super::{Loop, Real, is_wide, run};

/// Values summed at once.
const LANES: usize = 64;
/// Partial sums, enough that additions do not wait for one another.
const SUMS: usize = 32;

/// The sum of some values in f64, compiled for the best instruction set. Inside a [`Loop`], [`total`] does the same.
pub fn sum<T: Real>(values: &[T]) -> f64 {
    struct Sum<'a, T>(&'a [T]);

    impl<T: Real> Loop for Sum<'_, T> {
        type Output = f64;
        const WIDE: bool = is_wide::<T>();

        #[inline(always)]
        fn run<const FUSED: bool>(self) -> f64 {
            total([self.0], |[value]| value)
        }
    }

    run(Sum(values))
}

/// The sum over all positions of `term` of the inputs' values, in f64. The inputs have the same length.
#[inline(always)]
pub fn total<T: Real, const N: usize>(inputs: [&[T]; N], term: impl Fn([T; N]) -> T) -> f64 {
    let [sum] = totals(inputs, |values| [term(values)]);
    sum
}

/// Several sums at once: see [`total`].
#[inline(always)]
pub fn totals<T: Real, const N: usize, const M: usize>(
    inputs: [&[T]; N],
    terms: impl Fn([T; N]) -> [T; M],
) -> [f64; M] {
    totals_of::<T, N, M, 1>(inputs, terms)
}

/// Several sums at once, whose terms each lane adds up in the values' own type, `DEPTH` at a time, before their sum is added in f64:
/// half the instructions of a sum are conversions otherwise.
#[inline(always)]
pub fn totals_of<T: Real, const N: usize, const M: usize, const DEPTH: usize>(
    inputs: [&[T]; N],
    terms: impl Fn([T; N]) -> [T; M],
) -> [f64; M] {
    let len = inputs.iter().map(|values| values.len()).min().unwrap_or(0);
    let (whole, mut sums) = (len / LANES * LANES, [[0.0; SUMS]; M]);
    for first in (0..whole).step_by(LANES * DEPTH) {
        let mut rows = rows_of(inputs.map(|values| &values[first..first + LANES]), LANES, &terms);
        for at in (first + LANES..whole.min(first + LANES * DEPTH)).step_by(LANES) {
            let more = rows_of(inputs.map(|values| &values[at..at + LANES]), LANES, &terms);
            for (row, more) in rows.iter_mut().zip(&more) {
                row.iter_mut().zip(more).for_each(|(sum, value)| *sum += *value);
            }
        }
        add_rows(&mut sums, &rows);
    }
    if whole < len {
        add_rows(&mut sums, &rows_of(inputs.map(|values| &values[whole..len]), len - whole, &terms));
    }
    sums.map(folded)
}

/// The terms of `count` positions, in lanes, followed by zeros.
#[inline(always)]
fn rows_of<T: Real, const N: usize, const M: usize>(
    parts: [&[T]; N],
    count: usize,
    terms: &impl Fn([T; N]) -> [T; M],
) -> [[T; LANES]; M] {
    let mut rows = [[T::default(); LANES]; M];
    for lane in 0..count {
        let values = terms(parts.map(|part| part[lane]));
        for (row, value) in rows.iter_mut().zip(values) {
            row[lane] = value;
        }
    }
    rows
}

#[inline(always)]
fn add_rows<T: Real, const M: usize>(sums: &mut [[f64; SUMS]; M], rows: &[[T; LANES]; M]) {
    for (sums, row) in sums.iter_mut().zip(rows) {
        for values in row.chunks(SUMS) {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value.to_f64());
        }
    }
}

/// The sum of some lanes, by halves, which takes the latency of a few additions.
#[inline(always)]
pub fn folded<const LANES: usize>(mut lanes: [f64; LANES]) -> f64 {
    let mut half = LANES / 2;
    while half > 0 {
        let (to, from) = lanes.split_at_mut(half);
        to.iter_mut().zip(from).for_each(|(to, from)| *to += *from);
        half /= 2;
    }
    lanes[0]
}
