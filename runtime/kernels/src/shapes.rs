//! Shapes of what the plain functions yield, without the batch: layers are built from them.

use crate::Result;

pub use super::shape::concat_shape as concat;

/// The shape that goes in.
///
/// # Errors
/// No input.
pub fn elu(inputs: &[&[usize]]) -> Result<Vec<usize>> {
    only(inputs).map(<[usize]>::to_vec)
}

pub use elu as relu;
pub use elu as silu;

/// # Errors
/// An input that is not `[channels, height, width]`.
pub fn upsample(inputs: &[&[usize]], factor: usize) -> Result<Vec<usize>> {
    let [channels, height, width] = planes(inputs)?;
    Ok(vec![channels, height * factor, width * factor])
}

/// # Errors
/// An input that is not `[channels, height, width]`, or a size that the factor does not divide.
pub fn downsample(inputs: &[&[usize]], factor: usize) -> Result<Vec<usize>> {
    let [channels, height, width] = planes(inputs)?;
    if factor == 0 || height % factor != 0 || width % factor != 0 {
        candle_core::bail!("{height}x{width} pixels do not divide by {factor}");
    }
    Ok(vec![channels, height / factor, width / factor])
}

/// # Errors
/// No input.
pub fn flatten(inputs: &[&[usize]]) -> Result<Vec<usize>> {
    Ok(vec![only(inputs)?.iter().product()])
}

/// # Errors
/// Another number of values.
pub fn reshape(inputs: &[&[usize]], sizes: &[usize]) -> Result<Vec<usize>> {
    let input = only(inputs)?;
    if input.iter().product::<usize>() != sizes.iter().product::<usize>() {
        candle_core::bail!("{input:?} has another number of values than {sizes:?}");
    }
    Ok(sizes.to_vec())
}

fn only<'a>(inputs: &[&'a [usize]]) -> Result<&'a [usize]> {
    match inputs {
        [input] => Ok(input),
        _ => candle_core::bail!("one input is needed, there are {}", inputs.len()),
    }
}

fn planes(inputs: &[&[usize]]) -> Result<[usize; 3]> {
    let input = only(inputs)?;
    <[usize; 3]>::try_from(input)
        .map_err(|_| candle_core::Error::Msg(format!("[channels, height, width] is needed, not {input:?}")))
}
