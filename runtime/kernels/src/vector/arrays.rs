//! Some positions of slices as arrays: the compiler does not vectorise loops over more than a few slices.

use super::Real;
use std::array::from_fn;
use std::mem::MaybeUninit;

/// Positions computed together.
pub const LANES: usize = 16;

pub type Lanes<T> = [T; LANES];

/// The values from a position, or those up to the end, followed by zeros.
#[inline(always)]
pub fn load<T: Real>(values: &[T], at: usize) -> Lanes<T> {
    values[at..].first_chunk().copied().unwrap_or_else(|| {
        let mut lanes = [T::default(); LANES];
        lanes[..values.len() - at].copy_from_slice(&values[at..]);
        lanes
    })
}

/// Writes lanes from a position, up to the end.
#[inline(always)]
pub fn store<T: Real>(out: &mut [MaybeUninit<T>], at: usize, lanes: Lanes<T>) {
    match out[at..].first_chunk_mut::<LANES>() {
        Some(out) => out.iter_mut().zip(lanes).for_each(|(out, value)| _ = out.write(value)),
        None => out[at..].iter_mut().zip(lanes).for_each(|(out, value)| _ = out.write(value)),
    }
}

/// Writes lanes over existing values from a position, up to the end.
#[inline(always)]
pub fn put<T: Real>(out: &mut [T], at: usize, lanes: Lanes<T>) {
    match out[at..].first_chunk_mut::<LANES>() {
        Some(out) => *out = lanes,
        None => out[at..].iter_mut().zip(lanes).for_each(|(out, value)| *out = value),
    }
}

/// `f` of the lanes.
#[inline(always)]
pub fn each<T: Real, const N: usize>(inputs: [&Lanes<T>; N], f: impl Fn([T; N]) -> T) -> Lanes<T> {
    let mut out = [T::default(); LANES];
    for (lane, out) in out.iter_mut().enumerate() {
        *out = f(from_fn(|input| inputs[input][lane]));
    }
    out
}
