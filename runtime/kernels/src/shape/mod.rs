//! Shapes: concatenation, K samples per image, vectors.

mod channels;
mod rows;

use crate::{Result, Tensor};
pub use channels::{channels, concat};
pub use rows::{mask, within};

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

/// Repeats values per image, `[B, …]`, for samples, `[K·B, …]`: row k·B + b.
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

/// Repeats values per sample, `[K, …]`, for all records, `[K·B, …]`: row k·B + b is row k.
///
/// # Errors
/// A failed tensor operation.
pub fn each(h: &Tensor, records: usize) -> Result<Tensor> {
    let mut shape = vec![h.dim(0)?, records];
    shape.extend_from_slice(&h.dims()[1..]);
    h.unsqueeze(1)?.broadcast_as(shape)?.flatten(0, 1)
}

/// The first of two draws of a hierarchy's level if it is one of the `top` levels (all, if not given), counted from 1;
/// otherwise the second.
///
/// # Errors
/// Shapes that differ.
pub fn level(top: Option<usize>, level: usize, first: &Tensor, second: &Tensor) -> Result<Tensor> {
    if first.dims() != second.dims() {
        candle_core::bail!("two draws of level {level} have the shapes {:?} and {:?}", first.dims(), second.dims());
    }
    Ok(if top.is_none_or(|top| level <= top) { first.clone() } else { second.clone() })
}

/// The values before each position of maps `[rows, channels, height, width]` in raster order, with zeros at the first
/// one.
///
/// # Errors
/// Another rank.
pub fn past(maps: &Tensor) -> Result<Tensor> {
    let (rows, channels, height, width) = maps.dims4()?;
    let line = maps.reshape((rows, channels, height * width))?;
    let first = Tensor::zeros((rows, channels, 1), maps.dtype(), maps.device())?;
    Tensor::cat(&[&first, &line.narrow(2, 0, height * width - 1)?], 2)?.reshape((rows, channels, height, width))
}

/// `[K·B]` to `[K, B]`.
///
/// # Errors
/// A length that is not a multiple of K.
pub fn per_sample(value: &Tensor, samples: usize) -> Result<Tensor> {
    value.reshape((samples, value.dim(0)? / samples.max(1)))
}
