//! Changes of resolution.

use super::cuda::{Backend, image};
use crate::{Result, Tensor};

/// Bilinear interpolation to `factor` times the height and width. Pixel centres are aligned, corners are not.
///
/// # Errors
/// A tensor that is not `[N, C, H, W]`.
pub fn upsample(h: &Tensor, factor: usize) -> Result<Tensor> {
    match Backend::of(h) {
        // The kernel has no backward pass, so it is used only for data.
        Backend::Cuda if !h.track_op() => image::upsample(h, factor),
        Backend::Cuda | Backend::Host | Backend::Candle => {
            let (_, _, height, width) = h.dims4()?;
            along(&along(h, 2, height, factor)?, 3, width, factor)
        }
    }
}

/// Linear interpolation along one axis, as a weighted sum of two gathers.
fn along(h: &Tensor, axis: usize, size: usize, factor: usize) -> Result<Tensor> {
    let (mut first, mut second, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..size * factor {
        let place = ((at as f64 + 0.5) / factor as f64 - 0.5).max(0.0);
        let low = place.floor() as usize;
        first.push(low as u32);
        second.push((low + 1).min(size - 1) as u32);
        weights.push(place - low as f64);
    }
    let mut shape = [1; 4];
    shape[axis] = size * factor;
    let weights = Tensor::from_vec(weights, &shape, h.device())?.to_dtype(h.dtype())?;
    let take = |index: Vec<u32>| {
        let count = index.len();
        h.index_select(&Tensor::from_vec(index, count, h.device())?, axis)
    };
    let (low, high) = (take(first)?, take(second)?);
    &low + (&high - &low)?.broadcast_mul(&weights)?
}

/// The mean over windows of `factor` × `factor` pixels.
///
/// # Errors
/// A tensor that is not `[N, C, H, W]`.
pub fn downsample(h: &Tensor, factor: usize) -> Result<Tensor> {
    let (_, _, height, width) = h.dims4()?;
    match Backend::of(h) {
        Backend::Host if factor > 0 && height.is_multiple_of(factor) && width.is_multiple_of(factor) => {
            crate::windows::whole::summed(h, [factor, factor], ((factor * factor) as f64).recip())
        }
        Backend::Cuda | Backend::Host | Backend::Candle => h.avg_pool2d(factor),
    }
}
