//! The Fréchet distance between two normal distributions.

use nalgebra::{DMatrix, DVector};

/// |m₁ − m₂|² + tr C₁ + tr C₂ − 2 tr (C₁ C₂)^½
///
/// With C₁ = L₁ L₁ᵀ and C₂ = L₂ L₂ᵀ, the last trace is the sum of the singular values of L₁ᵀ L₂. This needs no matrix
/// square root, so it stays accurate for covariances of low rank (fewer images than features), for which C₁ C₂ would
/// lose digits.
pub fn distance(first: &(DVector<f64>, DMatrix<f64>), second: &(DVector<f64>, DMatrix<f64>)) -> f64 {
    let ((mean, covariance), (other_mean, other_covariance)) = (first, second);
    let cross = factor(covariance).transpose() * factor(other_covariance);
    let common = if cross.is_empty() { 0.0 } else { cross.singular_values().sum() };
    (mean - other_mean).norm_squared() + covariance.trace() + other_covariance.trace() - 2.0 * common
}

/// L with L Lᵀ = C, for a symmetric C without negative eigenvalues. It has as many columns as the rank of C.
///
/// Cholesky's method with the largest remaining diagonal element as the pivot, ended when only rounding errors remain.
fn factor(covariance: &DMatrix<f64>) -> DMatrix<f64> {
    let size = covariance.nrows();
    let mut diagonal: Vec<f64> = covariance.diagonal().iter().copied().collect();
    let rounding = diagonal.iter().fold(0.0, |peak: f64, &value| peak.max(value)) * size as f64 * f64::EPSILON;
    let mut columns = DMatrix::zeros(size, size);
    let mut rank = 0;
    while rank < size {
        let (pivot, &largest) =
            diagonal.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap_or((0, &f64::NEG_INFINITY));
        if largest <= rounding {
            break;
        }
        let row = columns.row(pivot).columns(0, rank).transpose();
        let mut column: DVector<f64> = covariance.column(pivot) - columns.columns(0, rank) * row;
        column /= largest.sqrt();
        for (value, entry) in diagonal.iter_mut().zip(column.iter()) {
            *value -= entry * entry;
        }
        // Done. Its rounding error must not be chosen again.
        diagonal[pivot] = f64::NEG_INFINITY;
        columns.set_column(rank, &column);
        rank += 1;
    }
    columns.resize_horizontally(rank, 0.0)
}
