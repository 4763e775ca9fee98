//! Activations.

use crate::{Result, Tensor};

/// h where h > 0, else exp(h) − 1.
///
/// # Errors
/// A failed tensor operation.
pub fn elu(h: &Tensor) -> Result<Tensor> {
    h.elu(1.0)
}

/// max(h, 0).
///
/// # Errors
/// A failed tensor operation.
pub fn relu(h: &Tensor) -> Result<Tensor> {
    h.relu()
}

/// h · sigmoid(h).
///
/// # Errors
/// A failed tensor operation.
pub fn silu(h: &Tensor) -> Result<Tensor> {
    h.silu()
}
