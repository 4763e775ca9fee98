//! Convolutions of one plane with one kernel, and the gradients of its taps.

use crate::lanes::{Lanes, kernel};

/// Rows whose sums are computed together: an input is read once for several of them.
pub const ROWS: usize = 4;
/// Partial sums of a tap.
pub const LANES: usize = 16;
/// Taps of the largest block.
pub const MOST: usize = 25;

/// Sizes of a plane surrounded with zeros.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Height and width of the kernel.
    pub kernel: usize,
    /// From one row of the input to the next.
    pub stride: usize,
    /// Rows of the output, a multiple of [`ROWS`].
    pub rows: usize,
    /// Columns of the output, a multiple of 16.
    pub columns: usize,
}

impl Sizes {
    /// The number of values of the input, from the first to the last that is read.
    pub fn reach(&self) -> usize {
        (self.rows + self.kernel - 2) * self.stride + self.columns + self.kernel - 1
    }
}

/// Taps whose sums are in registers together.
#[derive(Clone, Copy)]
pub struct Block {
    pub down: usize,
    pub right: usize,
}

impl Block {
    /// The blocks of a kernel.
    pub fn of(kernel: usize) -> Self {
        match kernel {
            3 => Self { down: 3, right: 3 },
            5 => Self { down: 5, right: 5 },
            7 => Self { down: 1, right: 7 },
            _ => Self { down: 1, right: 1 },
        }
    }

    /// Whether a block of the kernel begins at a tap.
    pub fn begins(self, tap: usize, kernel: usize) -> bool {
        (tap / kernel).is_multiple_of(self.down) && (tap % kernel).is_multiple_of(self.right)
    }
}

#[inline(always)]
unsafe fn convolve_of<S: Lanes>(sizes: Sizes, x: *const f32, weight: *const f32, bias: f32, out: *mut f32) {
    // SAFETY: the contract of the entry point below.
    unsafe {
        match sizes.kernel {
            3 => each_tile::<S>(sizes, x, out, |x| sums::<S, 3>(x, sizes.stride, weight, bias)),
            5 => each_tile::<S>(sizes, x, out, |x| sums::<S, 5>(x, sizes.stride, weight, bias)),
            _ => each_tile::<S>(sizes, x, out, |x| sums_of_any::<S>(x, sizes, weight, bias)),
        }
    }
}

/// Stores the sums of every tile, a vector in each of some rows.
#[inline(always)]
unsafe fn each_tile<S: Lanes>(sizes: Sizes, x: *const f32, out: *mut f32, sums: impl Fn(*const f32) -> [S::V; ROWS]) {
    for first in (0..sizes.rows).step_by(ROWS) {
        for column in (0..sizes.columns).step_by(S::N) {
            // SAFETY: as above.
            unsafe {
                for (row, sums) in sums(x.add(first * sizes.stride + column)).into_iter().enumerate() {
                    S::store(out.add((first + row) * sizes.columns + column), sums);
                }
            }
        }
    }
}

/// A tile's sums, for a kernel whose size is known to the compiler. Every input is read once.
#[inline(always)]
unsafe fn sums<S: Lanes, const KERNEL: usize>(
    x: *const f32,
    stride: usize,
    weight: *const f32,
    bias: f32,
) -> [S::V; ROWS] {
    // SAFETY: as above.
    unsafe {
        let mut sums = [S::splat(bias); ROWS];
        for below in 0..ROWS + KERNEL - 1 {
            for right in 0..KERNEL {
                let x = S::load(x.add(below * stride + right));
                for (row, sum) in sums.iter_mut().enumerate() {
                    if row <= below && below < row + KERNEL {
                        *sum = S::fma(S::splat(*weight.add((below - row) * KERNEL + right)), x, *sum);
                    }
                }
            }
        }
        sums
    }
}

/// The same for any kernel.
#[inline(always)]
unsafe fn sums_of_any<S: Lanes>(x: *const f32, sizes: Sizes, weight: *const f32, bias: f32) -> [S::V; ROWS] {
    // SAFETY: as above.
    unsafe {
        let mut sums = [S::splat(bias); ROWS];
        for down in 0..sizes.kernel {
            for right in 0..sizes.kernel {
                let tap = S::splat(*weight.add(down * sizes.kernel + right));
                for (row, sum) in sums.iter_mut().enumerate() {
                    *sum = S::fma(tap, S::load(x.add((row + down) * sizes.stride + right)), *sum);
                }
            }
        }
        sums
    }
}

#[inline(always)]
unsafe fn correlate_of<S: Lanes>(
    block: Block,
    [x, dy]: [*const f32; 2],
    stride: usize,
    count: usize,
    out: &mut [[f32; LANES]; MOST],
) {
    // SAFETY: the contract of the entry point below.
    unsafe {
        match (block.down, block.right) {
            (3, 3) => products::<S, 3, 3>([x, dy], stride, count, out),
            (5, 5) => products::<S, 5, 5>([x, dy], stride, count, out),
            (1, 7) => products::<S, 1, 7>([x, dy], stride, count, out),
            _ => products::<S, 1, 1>([x, dy], stride, count, out),
        }
    }
}

/// The partial sums of a block's taps.
#[inline(always)]
unsafe fn products<S: Lanes, const DOWN: usize, const RIGHT: usize>(
    [x, dy]: [*const f32; 2],
    stride: usize,
    count: usize,
    out: &mut [[f32; LANES]; MOST],
) {
    // SAFETY: as above.
    unsafe {
        let mut sums = [[S::splat(0.0); RIGHT]; DOWN];
        for at in (0..count).step_by(S::N) {
            let mut moved = [S::splat(0.0); RIGHT];
            for (right, moved) in moved.iter_mut().enumerate() {
                *moved = S::load(x.add(at + right));
            }
            for (down, sums) in sums.iter_mut().enumerate() {
                let dy = S::load(dy.add(at + (DOWN - 1 - down) * stride));
                for (sum, x) in sums.iter_mut().zip(moved) {
                    *sum = S::fma(dy, x, *sum);
                }
            }
        }
        for (sums, out) in sums.iter().flatten().zip(out) {
            out[S::N..].fill(0.0);
            S::store(out.as_mut_ptr(), *sums);
        }
    }
}

kernel! {
    /// The convolution of a plane surrounded with zeros, plus the bias: all rows and columns.
    ///
    /// # Safety
    /// [`Sizes::reach`] values of `x` and all taps can be read, and all rows and columns of `out` be written.
    pub unsafe fn convolve(sizes: Sizes, x: *const f32, weight: *const f32, bias: f32, out: *mut f32) => convolve_of
}

kernel! {
    /// For every tap of a block, row by row, partial sums of the products of `count` (a multiple of 16) values of x, moved by the
    /// tap's column, with the gradients of as many places; the gradients for the block's last row of taps come first, those
    /// for the row above lie `stride` values behind them.
    ///
    /// # Safety
    /// All these values can be read.
    pub unsafe fn correlate(block: Block, read: [*const f32; 2], stride: usize, count: usize, out: &mut [[f32; LANES]; MOST]) => correlate_of
}
