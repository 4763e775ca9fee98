//! The next states of recurrent units: affine maps of their inputs and hidden vectors, and functions of these.

mod backward;
mod forward;
mod gru;
mod lstm;
mod step;
#[cfg(test)]
mod testing;
mod unit;

pub use gru::gru;
pub use lstm::lstm;
pub use unit::Map;

use crate::vector::Real;
use crate::vector::arrays::{Lanes, each, load};
use std::array::from_fn;

/// The cost of a value, in passes over memory.
const WORK: usize = 8;
/// The sum of the lanes of two slices, then `f`. Where the second slice is empty, the first is the sum.
#[inline(always)]
fn of_sum<T: Real>(x: &[T], h: &[T], at: usize, f: impl Fn(T) -> T) -> Lanes<T> {
    match h {
        [] => each([&load(x, at)], |[sum]| f(sum)),
        h => each([&load(x, at), &load(h, at)], |[x, h]| f(x + h)),
    }
}

/// N parts of the same length.
#[inline(always)]
fn parts<T, const N: usize>(values: &mut [T]) -> [&mut [T]; N] {
    let width = values.len() / N;
    let mut rest = values;
    from_fn(|_| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(width);
        rest = after;
        part
    })
}
