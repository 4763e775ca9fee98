//! Pooling windows, and nearest-neighbour interpolation.

pub(crate) mod whole;

use crate::cuda::Backend;
use crate::{Device, Result, Tensor};

/// The mean of every `kernel` × `kernel` window, `stride` apart, of `[N, C, H, W]`.
///
/// # Errors
/// A window larger than the map.
pub fn avg_pool(x: &Tensor, kernel: usize, stride: usize) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let covered = kernel > 0 && kernel == stride && height.is_multiple_of(kernel) && width.is_multiple_of(kernel);
    if covered && matches!(Backend::of(x), Backend::Host) {
        return whole::summed(x, [kernel, kernel], ((kernel * kernel) as f64).recip());
    }
    let sum = over_windows(x, kernel, stride, Tensor::add)?;
    sum / (kernel * kernel) as f64
}

/// The maximum over every `kernel` × `kernel` window, `stride` apart, of `[N, C, H, W]`.
///
/// # Errors
/// A window larger than the map.
pub fn max_pool(x: &Tensor, kernel: usize, stride: usize) -> Result<Tensor> {
    over_windows(x, kernel, stride, |a, b| a.maximum(b))
}

/// Along the width, then along the height, as both poolings are separable.
fn over_windows(
    x: &Tensor,
    kernel: usize,
    stride: usize,
    with: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut x = x.clone();
    for axis in [3, 2] {
        let size = x.dim(axis)?;
        if kernel == 0 || stride == 0 || kernel > size {
            candle_core::bail!("windows of {kernel} pixels, {stride} apart, over {size} pixels");
        }
        let count = (size - kernel) / stride + 1;
        let tap = |at: usize| pick(&x, (0..count).map(|window| window * stride + at), axis);
        x = (1..kernel).try_fold(tap(0)?, |all, at| with(&all, &tap(at)?))?;
    }
    Ok(x)
}

fn pick(x: &Tensor, places: impl Iterator<Item = usize>, axis: usize) -> Result<Tensor> {
    let places: Vec<u32> = places.map(|place| place as u32).collect();
    let device: &Device = x.device();
    x.index_select(&Tensor::new(places, device)?, axis)
}

/// `[N, C, H, W]` at another height and width: pixel i of n reads pixel ⌊i · size / n⌋.
///
/// # Errors
/// A tensor that is not `[N, C, H, W]`.
pub fn nearest(x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (batch, channels, from_height, from_width) = x.dims4()?;
    if (height, width) == (from_height, from_width) {
        return Ok(x.clone());
    }
    if height.is_multiple_of(from_height) && width.is_multiple_of(from_width) {
        let (down, right) = (height / from_height, width / from_width);
        if matches!(Backend::of(x), Backend::Host) {
            return whole::spread(x, [down, right], 1.0);
        }
        let spread = x.reshape(&[batch, channels, from_height, 1, from_width, 1][..])?;
        let spread = spread.broadcast_as(&[batch, channels, from_height, down, from_width, right][..])?;
        return spread.contiguous()?.reshape((batch, channels, height, width));
    }
    let rows = pick(x, (0..height).map(|row| row * from_height / height), 2)?;
    pick(&rows, (0..width).map(|column| column * from_width / width), 3)
}
