//! Building blocks of the fast CPU operations, in f32: vectors, GEMM, Winograd's transforms, memory.
//!
//! Inside an operation the layout of images is pixel-major (NHWC), so a convolution is a GEMM that reads its matrices
//! in place. No sum depends on the division of work among threads.

pub mod activation;
pub mod depthwise;
pub mod halving;
pub mod matrix;
pub mod planes;
pub mod product;
pub mod scratch;
mod separable;
pub mod winograd;

use rayon::prelude::*;
use std::mem::MaybeUninit;

/// The next multiple of 16: rows of matrices are padded to it.
pub const fn padded(size: usize) -> usize {
    size.div_ceil(16) * 16
}

/// A distance between rows that is no power of two, with which they would use the same few cache lines; `row` is a multiple of 16.
pub const fn staggered(row: usize) -> usize {
    if row.is_multiple_of(256) { row + 16 } else { row }
}

/// Columns of the narrowest product.
pub const NARROWEST: usize = 8;

/// The next multiple of [`NARROWEST`], for matrices whose padding to 16 would cost more than a shorter vector at their end.
pub const fn narrow(size: usize) -> usize {
    size.div_ceil(NARROWEST) * NARROWEST
}

/// A pointer that several threads share, each of which writes to other places.
#[derive(Clone, Copy)]
pub struct Shared(*mut f32);

// SAFETY: users of the pointer write to disjoint places; each use states them.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub fn new(values: &mut [f32]) -> Self {
        Self(values.as_mut_ptr())
    }

    /// A pointer to memory that is not written yet.
    pub fn uninit(values: &mut [MaybeUninit<f32>]) -> Self {
        Self(values.as_mut_ptr().cast())
    }

    /// # Safety
    /// The place is inside the slice of the pointer.
    pub unsafe fn at(self, place: usize) -> *mut f32 {
        // SAFETY: the caller's contract.
        unsafe { self.0.add(place) }
    }
}

/// Tasks at least, where there is work for as many: a pass whose tasks are few splits the sum that each computes.
const TASKS: usize = 16;

/// In how many parts each of `tasks` tasks computes its sum of `terms`, of which a part takes `least` at least. It depends on sizes
/// alone, as the order of the sum must.
pub fn parts_of(tasks: usize, terms: usize, least: usize) -> usize {
    (TASKS / tasks.max(1)).min(terms / least).max(1)
}

/// Sums in parts of `size` values: the later ones are added to the first, in order.
pub fn added(parts: &mut [f32], size: usize) {
    const CHUNK: usize = 1 << 13;
    let (total, others) = parts.split_at_mut(size);
    total.par_chunks_mut(CHUNK).enumerate().for_each(|(at, total)| {
        for part in others.chunks_exact(size) {
            total.iter_mut().zip(&part[at * CHUNK..]).for_each(|(sum, value)| *sum += value);
        }
    });
}

/// A vector of `len` values that `write` writes, all of them; nothing is cleared first, which would take as long as a pass.
///
/// # Safety
/// `write` writes every value.
pub unsafe fn written(len: usize, write: impl FnOnce(Shared)) -> Vec<f32> {
    let mut out = Vec::with_capacity(len);
    write(Shared(out.as_mut_ptr()));
    // SAFETY: the capacity above; the caller guarantees that the values are written.
    unsafe { out.set_len(len) };
    out
}
