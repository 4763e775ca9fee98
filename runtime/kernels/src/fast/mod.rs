//! Building blocks of the fast CPU operations, in f32: vectors, GEMM, Winograd's transforms, memory.
//!
//! Inside an operation the layout of images is pixel-major (NHWC), so a convolution is a GEMM that reads its matrices
//! in place. No sum depends on the division of work among threads.

pub mod activation;
pub mod halving;
pub mod lanes;
pub mod planes;
pub mod product;
pub mod scratch;
mod separable;
pub mod winograd;

/// The next multiple of 16, to which rows of matrices are padded.
pub const fn padded(size: usize) -> usize {
    size.div_ceil(16) * 16
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

    /// # Safety
    /// The place is inside the slice of the pointer.
    pub unsafe fn at(self, place: usize) -> *mut f32 {
        // SAFETY: the caller's contract.
        unsafe { self.0.add(place) }
    }
}

/// A vector of `len` values, all written by `write`. The memory is not cleared first, which would take as long as a
/// pass.
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
