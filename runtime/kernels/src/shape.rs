//! Shapes: concatenation, K samples per image, vectors.

use crate::{Result, Tensor};

/// Side by side along the channels.
///
/// # Errors
/// Shapes that differ in more than channels.
pub fn concat(parts: &[&Tensor]) -> Result<Tensor> {
    Tensor::cat(parts, 1)
}

/// `[N, …]` to `[N, values]`.
///
/// # Errors
/// A failed tensor operation.
pub fn flatten(h: &Tensor) -> Result<Tensor> {
    h.flatten_from(1)
}

/// `[N, …]` to `[N, dims…]`.
///
/// # Errors
/// Another number of values.
pub fn reshape(h: &Tensor, dims: &[usize]) -> Result<Tensor> {
    let mut shape = vec![h.dim(0)?];
    shape.extend_from_slice(dims);
    h.reshape(shape)
}

/// What belongs to images, `[B, …]`, to what belongs to samples, `[K·B, …]`: row k·B + b.
///
/// # Errors
/// A failed tensor operation.
pub fn repeat(h: &Tensor, samples: usize) -> Result<Tensor> {
    if samples == 1 {
        return Ok(h.clone());
    }
    let mut shape = vec![samples];
    shape.extend_from_slice(h.dims());
    h.unsqueeze(0)?.broadcast_as(shape)?.flatten(0, 1)
}

/// `[K·B]` to `[K, B]`.
///
/// # Errors
/// A length that K does not divide.
pub fn per_sample(value: &Tensor, samples: usize) -> Result<Tensor> {
    value.reshape((samples, value.dim(0)? / samples.max(1)))
}
