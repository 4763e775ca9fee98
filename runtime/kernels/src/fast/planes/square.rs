//! Transposes square blocks in registers.

use crate::lanes::{self, Lanes};
use std::array::from_fn;

/// An instruction set's largest square. A line of the cache is then written by one instruction, or two, so more lines are on their
/// way to memory at once.
pub trait Square: Lanes {
    const SIDE: usize;

    /// `to[j · to_row + i] = from[i · from_row + j]` for all `i` and `j` below [`Self::SIDE`].
    ///
    /// # Safety
    /// A processor with the set; the values can be read and written.
    unsafe fn turn(from: *const f32, from_row: usize, to: *mut f32, to_row: usize);
}

impl Square for lanes::Portable {
    const SIDE: usize = 4;

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn turn(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
        use std::arch::x86_64::{_MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
        // SAFETY: the caller's contract; every processor of the architecture has these.
        unsafe {
            let mut rows: [_; 4] = from_fn(|i| _mm_loadu_ps(from.add(i * from_row)));
            let [a, b, c, d] = &mut rows;
            _MM_TRANSPOSE4_PS(a, b, c, d);
            for (j, row) in rows.into_iter().enumerate() {
                _mm_storeu_ps(to.add(j * to_row), row);
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    #[inline(always)]
    unsafe fn turn(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
        for i in 0..Self::SIDE {
            for j in 0..Self::SIDE {
                // SAFETY: the caller's contract.
                unsafe { *to.add(j * to_row + i) = *from.add(i * from_row + j) };
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
impl Square for lanes::Neon {
    const SIDE: usize = 4;

    #[inline(always)]
    unsafe fn turn(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
        // SAFETY: the caller's contract.
        unsafe { lanes::Portable::turn(from, from_row, to, to_row) };
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Square, from_fn, lanes};
    use std::arch::x86_64::*;

    impl Square for lanes::Avx2 {
        const SIDE: usize = 8;

        #[inline(always)]
        unsafe fn turn(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
            // SAFETY: the caller's contract.
            unsafe {
                let rows: [__m256; 8] = from_fn(|i| _mm256_loadu_ps(from.add(i * from_row)));
                // In `fours[g][c]`, half h is column 4h + c of rows 4g to 4g + 3.
                let fours: [[__m256; 4]; 2] = from_fn(|g| {
                    let [a, b, c, d] = from_fn(|i| rows[4 * g + i]);
                    let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                    let (next_low, next_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                    [
                        _mm256_shuffle_ps::<0x44>(low, next_low),
                        _mm256_shuffle_ps::<0xee>(low, next_low),
                        _mm256_shuffle_ps::<0x44>(high, next_high),
                        _mm256_shuffle_ps::<0xee>(high, next_high),
                    ]
                });
                for (c, (a, b)) in fours[0].into_iter().zip(fours[1]).enumerate() {
                    _mm256_storeu_ps(to.add(c * to_row), _mm256_permute2f128_ps::<0x20>(a, b));
                    _mm256_storeu_ps(to.add((4 + c) * to_row), _mm256_permute2f128_ps::<0x31>(a, b));
                }
            }
        }
    }

    impl Square for lanes::Avx512 {
        const SIDE: usize = 16;

        #[inline(always)]
        unsafe fn turn(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
            // SAFETY: the caller's contract.
            unsafe {
                let rows: [__m512; 16] = from_fn(|i| _mm512_loadu_ps(from.add(i * from_row)));
                // In `fours[g][c]`, quarter q is column 4q + c of rows 4g to 4g + 3.
                let fours: [[__m512; 4]; 4] = from_fn(|g| {
                    let [a, b, c, d] = from_fn(|i| rows[4 * g + i]);
                    let (low, high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                    let (next_low, next_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                    [
                        _mm512_shuffle_ps::<0x44>(low, next_low),
                        _mm512_shuffle_ps::<0xee>(low, next_low),
                        _mm512_shuffle_ps::<0x44>(high, next_high),
                        _mm512_shuffle_ps::<0xee>(high, next_high),
                    ]
                });
                let [first, second, third, fourth] = fours;
                let columns = first.into_iter().zip(second).zip(third.into_iter().zip(fourth)).enumerate();
                for (c, ((first, second), (third, fourth))) in columns {
                    // The even quarters of two vectors, then the odd ones.
                    let even =
                        [_mm512_shuffle_f32x4::<0x88>(first, second), _mm512_shuffle_f32x4::<0x88>(third, fourth)];
                    let odd =
                        [_mm512_shuffle_f32x4::<0xdd>(first, second), _mm512_shuffle_f32x4::<0xdd>(third, fourth)];
                    _mm512_storeu_ps(to.add(c * to_row), _mm512_shuffle_f32x4::<0x88>(even[0], even[1]));
                    _mm512_storeu_ps(to.add((4 + c) * to_row), _mm512_shuffle_f32x4::<0x88>(odd[0], odd[1]));
                    _mm512_storeu_ps(to.add((8 + c) * to_row), _mm512_shuffle_f32x4::<0xdd>(even[0], even[1]));
                    _mm512_storeu_ps(to.add((12 + c) * to_row), _mm512_shuffle_f32x4::<0xdd>(odd[0], odd[1]));
                }
            }
        }
    }
}
