//! Access to candle's CPU storage, and matrix products on it.

use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Result, Storage, StorageRef, Tensor, WithDType};
use gemm::{Parallelism, gemm};
use rayon::prelude::*;
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Deref;

/// The two element types of the kernels.
pub trait Float: candle_core::WithDType + num::Number {}

impl Float for f32 {}
impl Float for f64 {}

mod num {
    use std::ops::{Add, AddAssign, Mul};

    /// The requirements of a kernel for a number.
    pub trait Number:
        Copy + Send + Sync + Default + Add<Output = Self> + AddAssign + Mul<Output = Self> + PartialOrd + 'static
    {
        const ONE: Self;
    }

    impl Number for f32 {
        const ONE: Self = 1.0;
    }

    impl Number for f64 {
        const ONE: Self = 1.0;
    }
}

/// The values of a contiguous tensor.
///
/// # Errors
/// A tensor that is not contiguous or of another type.
pub fn slice<'a, T: Float>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a kernel was given a tensor that is not contiguous");
    };
    Ok(&storage.as_slice::<T>()?[start..end])
}

/// The values of a contiguous tensor on the CPU, for a backward pass.
pub struct Values<'a, T> {
    storage: StorageRef<'a>,
    span: (usize, usize),
    of: PhantomData<T>,
}

impl<'a, T: WithDType> Values<'a, T> {
    /// # Errors
    /// A tensor that is not contiguous, not on the CPU or of another type.
    pub fn of(tensor: &'a Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let (Storage::Cpu(values), Some(span)) = (&*storage, layout.contiguous_offsets()) else {
            candle_core::bail!("a kernel was given a tensor that is not contiguous, or not on the CPU");
        };
        values.as_slice::<T>()?;
        Ok(Self { storage, span, of: PhantomData })
    }
}

impl<T: WithDType> Deref for Values<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &*self.storage {
            Storage::Cpu(values) => values.as_slice().map_or(&[], |values| &values[self.span.0..self.span.1]),
            _ => &[],
        }
    }
}

/// The values of a contiguous tensor in memory that nothing else reads, without a copy if they are all of it.
///
/// # Errors
/// A tensor that is not contiguous, not on the CPU or of another type.
pub fn taken(tensor: Tensor) -> Result<Vec<f32>> {
    struct Take(Cell<Vec<f32>>);

    impl InplaceOp1 for Take {
        fn name(&self) -> &'static str {
            "taken"
        }

        fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
            let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
                candle_core::bail!("a kernel was given a tensor that is not contiguous, or not of f32");
            };
            let whole = (start, end) == (0, values.len());
            self.0.set(if whole { std::mem::take(values) } else { values[start..end].to_vec() });
            Ok(())
        }
    }

    let take = Take(Cell::default());
    tensor.inplace_op1(&take)?;
    Ok(take.0.into_inner())
}

/// Calls `work(number, row)` for every row of `out`, on all cores if the work on all `values` justifies waking them.
pub fn each_row<T: Send>(out: &mut [T], row: usize, values: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let beside = &mut vec![(); out.len().div_ceil(row.max(1))];
    each_row_beside(out, row, values, beside, |number, row, ()| work(number, row));
}

/// Calls `work(number, row, value)` as [`each_row`], with a value of `beside` for every row.
pub fn each_row_beside<T: Send, S: Send>(
    out: &mut [T],
    row: usize,
    values: usize,
    beside: &mut [S],
    work: impl Fn(usize, &mut [T], &mut S) + Sync,
) {
    let row = row.max(1);
    if values <= PART {
        // Waking another thread would take longer than this work.
        out.chunks_mut(row).zip(beside).enumerate().for_each(|(number, (out, beside))| work(number, out, beside));
    } else {
        let rows = out.par_chunks_mut(row).zip(beside);
        rows.enumerate().for_each(|(number, (out, beside))| work(number, out, beside));
    }
}

/// The error for an unsupported element type.
pub fn unsupported<R>(name: &str, dtype: DType) -> Result<R> {
    candle_core::bail!("{name} is written for f32 and f64, not for {dtype:?}")
}

/// Values processed at once: a part of a tensor that fits into the L1 cache.
pub const PART: usize = 1 << 13;

/// Writes these values into memory of the same length.
pub fn copy<T: Copy>(from: &[T], to: &mut [MaybeUninit<T>]) {
    to.iter_mut().zip(from).for_each(|(to, from)| _ = to.write(*from));
}

/// A vector of `len` values. `write(at, part)` writes all of the part that begins at `at`; the parts are distributed
/// over all cores. The memory is not cleared first, which would cost as much as the work itself.
///
/// # Safety
/// `write` must write every value of its part.
pub unsafe fn filled<T: Copy + Send>(len: usize, write: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync) -> Vec<T> {
    // SAFETY: the caller's contract.
    unsafe { filled_rows(len, PART, len, |number, part| write(number * PART, part)) }
}

/// A vector of `len` values, as [`filled`], whose parts are rows of `row` values (the last one may be shorter):
/// `write(number, row)`. The rows are distributed over all cores if `work`, in values, justifies waking them.
///
/// # Safety
/// `write` must write every value of its row.
pub unsafe fn filled_rows<T: Copy + Send>(
    len: usize,
    row: usize,
    work: usize,
    write: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync,
) -> Vec<T> {
    // SAFETY: the caller's contract.
    unsafe {
        filled_beside(len, row, work, &mut vec![(); len.div_ceil(row.max(1))], |number, row, _| write(number, row))
    }
}

/// A vector as [`filled_rows`] makes it, and beside every row an equal part of the existing values `beside`:
/// `write(number, row, part)`.
///
/// # Safety
/// `write` must write every value of its row.
pub unsafe fn filled_beside<T: Copy + Send, S: Send>(
    len: usize,
    row: usize,
    work: usize,
    beside: &mut [S],
    write: impl Fn(usize, &mut [MaybeUninit<T>], &mut [S]) + Sync,
) -> Vec<T> {
    let rows = len.div_ceil(row.max(1));
    let part = beside.len() / rows.max(1);
    assert!(rows == 0 || part > 0 && beside.len() == rows * part, "every row has a part beside it");
    let mut parts: Vec<&mut [S]> = beside.chunks_mut(part.max(1)).collect();
    let mut out = Vec::with_capacity(len);
    let all = &mut out.spare_capacity_mut()[..len];
    each_row_beside(all, row, work, &mut parts, |number, row, part| write(number, row, part));
    // SAFETY: the rows cover everything, and the caller guarantees that each is written.
    unsafe { out.set_len(len) };
    out
}

/// A matrix in a slice: row `i`, column `j` at `i * rows + j * columns`.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    pub data: &'a [T],
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Concatenated rows with `width` values each.
    pub fn rows(data: &'a [T], width: usize) -> Self {
        Self { data, row_stride: width, column_stride: 1 }
    }

    /// The transposed matrix.
    pub fn transposed(self) -> Self {
        Self { data: self.data, row_stride: self.column_stride, column_stride: self.row_stride }
    }
}

/// `out = left · right`, or `out += left · right` if `add`. `out` is m × n, row by row. Runs only on the calling
/// thread.
pub fn matmul<T: Float>(out: &mut [T], [m, n, k]: [usize; 3], left: Matrix<'_, T>, right: Matrix<'_, T>, add: bool) {
    let fits = |matrix: &Matrix<'_, T>, rows: usize, columns: usize| {
        rows == 0
            || columns == 0
            || (rows - 1) * matrix.row_stride + (columns - 1) * matrix.column_stride < matrix.data.len()
    };
    assert!(out.len() >= m * n && fits(&left, m, k) && fits(&right, k, n), "matrix sizes");
    // SAFETY: by the assertion above, every element that `gemm` touches is inside its slice; `out` is borrowed mutably,
    // so it does not alias the inputs.
    unsafe {
        gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            left.data.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.data.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
