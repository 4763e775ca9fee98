//! The gradient of a bias: the sum over records and pixels.

use crate::cpu::{each_row, slice};
use crate::profile::timed;
use crate::vector::{Real, by_real, sum};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, WithDType};

/// The number of values that one thread sums.
const SMALL: usize = 1 << 16;
/// The number of values in a cache line.
const LINE: usize = 16;

/// `[C]` of the gradient of a convolution's output, `[N, C, …]`.
///
/// # Errors
/// A failed tensor operation.
pub fn gradient(output: &Tensor) -> Result<Tensor> {
    output.contiguous()?.apply_op1_no_bwd(&Sums)
}

struct Sums;

impl CustomOp1 for Sums {
    fn name(&self) -> &'static str {
        "bias_gradient"
    }

    fn cpu_fwd(&self, values: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (channels, pixels) = (layout.dims()[1], layout.dims()[2..].iter().product());
        by_real!(self.name(), values.dtype(), T => {
            let values = slice::<T>(values, layout)?;
            let sums = timed("convolution", || sums(values, channels, pixels));
            Ok((T::to_cpu_storage_owned(sums), channels.into()))
        })
    }
}

fn sums<T: Real>(values: &[T], channels: usize, pixels: usize) -> Vec<T> {
    let images = values.len() / (channels * pixels).max(1);
    let mut out = vec![T::default(); channels];
    let few = (SMALL / (images * pixels).max(1)).max(1).next_multiple_of(LINE);
    each_row(&mut out, few, values.len(), |chunk, out| {
        let first = chunk * few;
        if pixels == 1 {
            for image in values.chunks_exact(channels) {
                out.iter_mut().zip(&image[first..]).for_each(|(sum, value)| *sum += *value);
            }
            return;
        }
        for (at, out) in out.iter_mut().enumerate() {
            let planes = (0..images).map(|image| &values[(image * channels + first + at) * pixels..][..pixels]);
            *out = T::from_f64(planes.map(sum).sum());
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::{SMALL, gradient};
    use crate::{DType, Device, Result, Tensor};

    /// Small whole numbers, whose sums are exact in f32, for few and many channels, and for more pixels than one thread
    /// sums.
    #[test]
    fn a_bias_has_the_sum_of_its_channel() -> Result<()> {
        for shape in [[70, 3, 32, 32], [2, 5, 3, 4], [300, 20, 1, 1], [5, 3000, 1, 1], [SMALL + 1, 2, 1, 1]] {
            let [images, channels, height, width] = shape;
            let value = |at: usize| (at % 7) as f64 - 3.0;
            let pixels = height * width;
            let sum = |channel: usize| -> f64 {
                let plane =
                    |image: usize| (image * channels + channel) * pixels..(image * channels + channel + 1) * pixels;
                (0..images).flat_map(plane).map(value).sum()
            };
            let known: Vec<f64> = (0..channels).map(sum).collect();
            let output =
                Tensor::from_iter((0..images * channels * pixels).map(value), &Device::Cpu)?.reshape(&shape[..])?;
            for dtype in [DType::F32, DType::F64] {
                let sums = gradient(&output.to_dtype(dtype)?)?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
                assert_eq!(sums, known, "{shape:?}, {dtype:?}");
            }
        }
        Ok(())
    }
}
