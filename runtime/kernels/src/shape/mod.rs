//! Shapes: concatenation, K samples per image, vectors.

mod channels;

use crate::{DType, Result, Tensor};
pub use channels::{channels, concat};

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

/// 1 for each row whose record has this step, else 0. `steps` are the numbers of steps of each record, `[rows, 1]`.
fn reaches(steps: &Tensor, step: usize, dtype: DType) -> Result<Tensor> {
    steps.flatten_all()?.ge(step as f64)?.to_dtype(dtype)
}

/// Numbers `[rows]`, with 0 in rows of records that end before a step.
///
/// # Errors
/// Another number of rows than of lengths.
pub fn mask(value: &Tensor, steps: &Tensor, step: usize) -> Result<Tensor> {
    let reaches = reaches(steps, step, value.dtype())?;
    // Values beyond the end are arbitrary, possibly NaN.
    reaches.gt(0.0)?.where_cond(value, &value.zeros_like()?)
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

/// Values `[rows, …]`, replaced by others of the same shape in rows of records that end before a step.
///
/// # Errors
/// Shapes that differ, or another number of rows than of lengths.
pub fn within(value: &Tensor, other: &Tensor, steps: &Tensor, step: usize) -> Result<Tensor> {
    let mut rows = vec![1; value.rank()];
    rows[0] = value.dim(0)?;
    let reaches = reaches(steps, step, value.dtype())?.reshape(rows)?.gt(0.0)?;
    reaches.broadcast_as(value.shape())?.where_cond(value, other)
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

#[cfg(test)]
mod tests {
    use super::{mask, within};
    use crate::{Device, Result, Tensor};

    /// Records of no, one, two and three steps.
    fn steps() -> Result<Tensor> {
        Tensor::new(&[[0f64], [1.0], [2.0], [3.0]], &Device::Cpu)
    }

    #[test]
    fn a_record_reaches_its_last_step_and_no_further() -> Result<()> {
        let values = Tensor::new(&[f64::NAN, 5.0, 6.0, 7.0], &Device::Cpu)?;
        let masked = |step| mask(&values, &steps()?, step)?.to_vec1::<f64>();
        assert_eq!(masked(1)?, [0.0, 5.0, 6.0, 7.0]);
        assert_eq!(masked(2)?, [0.0, 0.0, 6.0, 7.0]);
        assert_eq!(masked(4)?, [0.0; 4]);
        let pairs = Tensor::new(&[[1f64, 2.0]; 4], &Device::Cpu)?;
        let chosen = within(&pairs, &pairs.neg()?, &steps()?, 3)?.to_vec2::<f64>()?;
        assert_eq!(chosen, [[-1.0, -2.0], [-1.0, -2.0], [-1.0, -2.0], [1.0, 2.0]]);
        Ok(())
    }
}
