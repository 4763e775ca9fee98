//! Changes of resolution.

use super::cuda::{Backend, image};
use crate::cpu::{filled_rows, slice};
use crate::vector::by_real;
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, WithDType};

/// Bilinear interpolation to `factor` times the height and width. Pixel centres are aligned, corners are not.
///
/// # Errors
/// A tensor that is not `[N, C, H, W]`.
pub fn upsample(h: &Tensor, factor: usize) -> Result<Tensor> {
    match Backend::of(h) {
        // The kernels have no backward pass, so they are used only for data.
        Backend::Cuda if !h.track_op() => image::upsample(h, factor),
        Backend::Host if !h.track_op() => h.contiguous()?.apply_op1_no_bwd(&Upsample(factor)),
        Backend::Cuda | Backend::Host | Backend::Candle => {
            let (_, _, height, width) = h.dims4()?;
            along(&along(h, 2, height, factor)?, 3, width, factor)
        }
    }
}

/// Linear interpolation along an axis of `size` values: for each new value, the places of the two between which it lies, and the weight
/// of the second.
fn places(size: usize, factor: usize) -> impl Iterator<Item = ([usize; 2], f64)> {
    (0..size * factor).map(move |at| {
        let place = ((at as f64 + 0.5) / factor as f64 - 0.5).max(0.0);
        let low = place.floor() as usize;
        ([low, (low + 1).min(size - 1)], place - low as f64)
    })
}

/// Linear interpolation along one axis, as a weighted sum of two gathers.
fn along(h: &Tensor, axis: usize, size: usize, factor: usize) -> Result<Tensor> {
    let (mut first, mut second, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for ([low, high], weight) in places(size, factor) {
        first.push(low as u32);
        second.push(high as u32);
        weights.push(weight);
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

/// The same of all planes of data in one pass.
struct Upsample(usize);

impl CustomOp1 for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn cpu_fwd(&self, h: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let (tall, wide) = (height * self.0, width * self.0);
        let (rows, columns): (Vec<_>, Vec<_>) = (places(height, self.0).collect(), places(width, self.0).collect());
        by_real!(self.name(), h.dtype(), T => {
            let values = slice::<T>(h, layout)?;
            let between = |low: T, high: T, weight: f64| low + (high - low) * T::from_f64(weight);
            let len = batch * channels * tall * wide;
            // SAFETY: every value of a plane is written.
            let out = unsafe {
                filled_rows(len, (tall * wide).max(1), len, |plane, to| {
                    let plane = &values[plane * height * width..][..height * width];
                    let mut row = vec![T::default(); width];
                    for (to, ([low, high], weight)) in to.chunks_exact_mut(wide).zip(&rows) {
                        let pairs = plane[low * width..].iter().zip(&plane[high * width..]);
                        row.iter_mut().zip(pairs).for_each(|(to, (low, high))| *to = between(*low, *high, *weight));
                        for (to, ([low, high], weight)) in to.iter_mut().zip(&columns) {
                            to.write(between(row[*low], row[*high], *weight));
                        }
                    }
                })
            };
            Ok((T::to_cpu_storage_owned(out), (batch, channels, tall, wide).into()))
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;
    use crate::testing::made;

    /// One pass over data has the bits of the passes along both axes, also for sides of one pixel and for many planes.
    #[test]
    fn data_are_upsampled_as_activations_are() -> Result<()> {
        for (shape, factor) in
            [([2, 3, 4, 5], 2), ([1, 1, 1, 1], 3), ([1, 2, 1, 6], 2), ([16, 3, 16, 16], 4), ([0, 3, 4, 4], 2)]
        {
            for dtype in [DType::F32, DType::F64] {
                let h = made(&shape, 0.3)?.as_detached_tensor().to_dtype(dtype)?;
                let [ours, apart] =
                    [upsample(&h, factor)?, along(&along(&h, 2, shape[2], factor)?, 3, shape[3], factor)?];
                let bits = |t: &Tensor| t.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
                assert_eq!(ours.dims(), apart.dims());
                assert_eq!(bits(&ours)?, bits(&apart)?, "{shape:?} by {factor}, {dtype:?}");
            }
        }
        Ok(())
    }
}
