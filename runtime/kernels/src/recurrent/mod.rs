//! The next states of recurrent units, after the affine maps of their inputs and states.

mod gru;
mod lstm;

pub use gru::gru;
pub use lstm::lstm;

use crate::vector::Real;
use std::array::from_fn;
use std::mem::MaybeUninit;

/// The cost of a value, in passes over memory.
const WORK: usize = 8;
/// Positions computed together. Units compute in arrays, because the compiler does not vectorise loops over this many slices.
const LANES: usize = 16;

type Lanes<T> = [T; LANES];

/// The values from a position, or those up to the end, followed by zeros.
#[inline(always)]
fn load<T: Real>(values: &[T], at: usize) -> Lanes<T> {
    values[at..].first_chunk().copied().unwrap_or_else(|| {
        let mut lanes = [T::default(); LANES];
        lanes[..values.len() - at].copy_from_slice(&values[at..]);
        lanes
    })
}

/// Writes lanes from a position, up to the end.
#[inline(always)]
fn store<T: Real>(out: &mut [MaybeUninit<T>], at: usize, lanes: Lanes<T>) {
    match out[at..].first_chunk_mut::<LANES>() {
        Some(out) => out.iter_mut().zip(lanes).for_each(|(out, value)| _ = out.write(value)),
        None => out[at..].iter_mut().zip(lanes).for_each(|(out, value)| _ = out.write(value)),
    }
}

/// `f` of the lanes.
#[inline(always)]
fn each<T: Real, const N: usize>(inputs: [&Lanes<T>; N], f: impl Fn([T; N]) -> T) -> Lanes<T> {
    let mut out = [T::default(); LANES];
    for (lane, out) in out.iter_mut().enumerate() {
        *out = f(from_fn(|input| inputs[input][lane]));
    }
    out
}

/// The sum of the lanes of two slices, then `f`.
#[inline(always)]
fn of_sum<T: Real>(x: &[T], h: &[T], at: usize, f: impl Fn(T) -> T) -> Lanes<T> {
    each([&load(x, at), &load(h, at)], |[x, h]| f(x + h))
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
