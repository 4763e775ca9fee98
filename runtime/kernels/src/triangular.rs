//! Systems of equations with lower triangular matrices, a small one for each row of a batch.
//!
//! A matrix is stored as its lower triangle, row by row: element (i, j) is at i(i + 1)/2 + j. The diagonal is stored as
//! logarithms, so that it is positive.

use crate::cpu::{Float, Values, slice};
use crate::profile::timed;
use crate::special::on_cpu;
use crate::{Result, Tensor, vector};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Shape, WithDType};

/// The number of elements of a lower triangular matrix of this size.
pub const fn packed(size: usize) -> usize {
    size * (size + 1) / 2
}

/// L⁻¹ b of each row: `[N, D(D + 1)/2]` and `[N, D]` to `[N, D]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn solve_lower(matrix: &Tensor, right: &Tensor) -> Result<Tensor> {
    let (rows, size) = right.dims2()?;
    if matrix.dims() != [rows, packed(size)] {
        candle_core::bail!(
            "matrices for vectors of shape {:?} have shape {:?}, not {:?}",
            right.dims(),
            [rows, packed(size)],
            matrix.dims()
        );
    }
    on_cpu(&[matrix, right], |[matrix, right]| crate::tape::op2(matrix, right, SolveLower))
}

/// The full matrices: `[N, D(D + 1)/2]` to `[N, D, D]`.
///
/// # Errors
/// A failed tensor operation.
pub fn lower(matrix: &Tensor, size: usize) -> Result<Tensor> {
    let rows = matrix.dim(0)?;
    let diagonal = log_diagonal(matrix, size)?.exp()?;
    let nothing = matrix.narrow(1, 0, 1)?.zeros_like()?;
    let all = Tensor::cat(&[matrix, &diagonal, &nothing], 1)?;
    let count = packed(size);
    let places = (0..size * size).map(|at| match (at / size, at % size) {
        (i, j) if i > j => packed(i) + j,
        (i, j) if i == j => count + i,
        _ => count + size,
    });
    let places = Tensor::from_iter(places.map(|place| place as u32), matrix.device())?;
    all.index_select(&places, 1)?.reshape((rows, size, size))
}

/// The logarithms on the diagonals: `[N, D(D + 1)/2]` to `[N, D]`.
///
/// # Errors
/// A failed tensor operation.
pub fn log_diagonal(matrix: &Tensor, size: usize) -> Result<Tensor> {
    let places = Tensor::from_iter((0..size).map(|at| (packed(at) + at) as u32), matrix.device())?;
    matrix.index_select(&places, 1)
}

struct SolveLower;

impl CustomOp2 for SolveLower {
    fn name(&self) -> &'static str {
        "solve_lower"
    }

    fn cpu_fwd(&self, l: &CpuStorage, at_l: &Layout, b: &CpuStorage, at_b: &Layout) -> Result<(CpuStorage, Shape)> {
        let size = at_b.dims()[1];
        timed("solve_lower", || {
            vector::by_real!("solve_lower", l.dtype(), T => {
                let (matrices, right) = (slice::<T>(l, at_l)?, slice::<T>(b, at_b)?);
                let mut out = vec![T::default(); right.len()];
                for ((out, matrix), right) in
                    out.chunks_mut(size).zip(matrices.chunks(packed(size))).zip(right.chunks(size))
                {
                    forward(matrix, right, out);
                }
                Ok((T::to_cpu_storage_owned(out), at_b.shape().clone()))
            })
        })
    }

    /// With w = L⁻ᵀ g: w is the gradient of the right-hand side, and −w yᵀ that of the matrix.
    fn bwd(&self, l: &Tensor, b: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (size, gradient) = (b.dim(1)?, gradient.contiguous()?);
        timed("solve_lower_gradient", || {
            vector::by_real!("solve_lower", l.dtype(), T => {
                let (matrices, values) = (Values::<T>::of(l)?, Values::<T>::of(y)?);
                let gradient = Values::<T>::of(&gradient)?;
                let (mut of_l, mut of_b) = (vec![T::default(); matrices.len()], vec![T::default(); values.len()]);
                let rows = of_l.chunks_mut(packed(size)).zip(of_b.chunks_mut(size)).enumerate();
                for (row, (of_l, of_b)) in rows {
                    let matrix = &matrices[row * packed(size)..][..packed(size)];
                    backward(matrix, &gradient[row * size..][..size], of_b);
                    let y = &values[row * size..][..size];
                    let mut place = 0;
                    for (i, w) in of_b.iter().enumerate() {
                        for (j, y) in y[..=i].iter().enumerate() {
                            let by = if i == j { matrix[place].to_f64().exp() } else { 1.0 };
                            of_l[place] = T::from_f64(-w.to_f64() * y.to_f64() * by);
                            place += 1;
                        }
                    }
                }
                let of_l = Tensor::from_vec(of_l, l.shape(), l.device())?;
                Ok((Some(of_l), Some(Tensor::from_vec(of_b, b.shape(), b.device())?)))
            })
        })
    }
}

/// L⁻¹ b by substitution.
fn forward<T: Float>(matrix: &[T], right: &[T], out: &mut [T]) {
    for (i, right) in right.iter().enumerate() {
        let row = &matrix[packed(i)..];
        let known: f64 = row.iter().zip(&out[..i]).map(|(l, y)| l.to_f64() * y.to_f64()).sum();
        out[i] = T::from_f64((right.to_f64() - known) * (-row[i].to_f64()).exp());
    }
}

/// L⁻ᵀ g by back substitution.
fn backward<T: Float>(matrix: &[T], right: &[T], out: &mut [T]) {
    for i in (0..out.len()).rev() {
        let known: f64 = (i + 1..out.len()).map(|k| matrix[packed(k) + i].to_f64() * out[k].to_f64()).sum();
        out[i] = T::from_f64((right[i].to_f64() - known) * (-matrix[packed(i) + i].to_f64()).exp());
    }
}
