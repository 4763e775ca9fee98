//! Linear transforms of square tiles, the same along both sides: the parts of Winograd's algorithms other than the
//! products.

use super::narrow;
use crate::lanes::Lanes;
use std::ops::Range;

/// A transform along one side.
pub trait Transform<const I: usize, const O: usize> {
    unsafe fn apply<S: Lanes>(v: [S::V; I]) -> [S::V; O];

    /// The transform along both sides.
    #[inline(always)]
    unsafe fn both<S: Lanes>(v: [[S::V; I]; I]) -> [[S::V; O]; O] {
        // SAFETY: arithmetic on vectors of the set that the caller runs on, as in the rest of this file.
        unsafe {
            let zero = S::splat(0.0);
            let mut half = [[zero; I]; O];
            for j in 0..I {
                let mut column = [zero; I];
                for i in 0..I {
                    column[i] = v[i][j];
                }
                let column = Self::apply::<S>(column);
                for i in 0..O {
                    half[i][j] = column[i];
                }
            }
            let mut out = [[zero; O]; O];
            for i in 0..O {
                out[i] = Self::apply::<S>(half[i]);
            }
            out
        }
    }
}

/// Channels, rounded up to a multiple of 8, in whole vectors and half a vector.
pub fn vectors<S: Lanes>(channels: usize) -> [Range<usize>; 2] {
    let (end, whole) = (narrow(channels), narrow(channels) / S::N * S::N);
    [0..whole, whole..end]
}

/// Loads, transforms along both sides and stores the results, `apart` values apart.
#[inline(always)]
pub unsafe fn scatter<S: Lanes, T: Transform<I, O>, const I: usize, const O: usize>(
    channels: Range<usize>,
    load: impl Fn(usize, usize) -> *const f32,
    to: *mut f32,
    apart: usize,
) {
    // SAFETY: the caller's places of the channels, padded to whole vectors.
    unsafe { each::<S, T, I, O>(channels, load, |at, c, v| S::store(to.add(at * apart + c), v)) }
}

/// The same for channels that are padded to a multiple of 8 only.
#[inline(always)]
pub unsafe fn scatter_narrow<S: Lanes, T: Transform<I, O>, const I: usize, const O: usize>(
    channels: usize,
    load: impl Fn(usize, usize) -> *const f32,
    to: *mut f32,
    apart: usize,
) {
    let [whole, half] = vectors::<S>(channels);
    // SAFETY: as above.
    unsafe {
        scatter::<S, T, I, O>(whole, &load, to, apart);
        scatter::<S::Half, T, I, O>(half, load, to, apart);
    }
}

/// Loads, transforms along both sides and passes on every result, vector by vector.
#[inline(always)]
pub unsafe fn each<S: Lanes, T: Transform<I, O>, const I: usize, const O: usize>(
    channels: Range<usize>,
    load: impl Fn(usize, usize) -> *const f32,
    mut result: impl FnMut(usize, usize, S::V),
) {
    for channel in channels.step_by(S::N) {
        // SAFETY: `load` gives places of `channels` values.
        unsafe {
            let mut values = [[S::splat(0.0); I]; I];
            for (i, row) in values.iter_mut().enumerate() {
                for (j, value) in row.iter_mut().enumerate() {
                    *value = S::load(load(i, j).add(channel));
                }
            }
            let out = T::both::<S>(values);
            for (i, row) in out.iter().enumerate() {
                for (j, value) in row.iter().enumerate() {
                    result(i * O + j, channel, *value);
                }
            }
        }
    }
}
