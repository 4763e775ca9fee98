//! The gradient of a bias: the sum over records and pixels.

use crate::cpu::slice;
use crate::profile::timed;
use crate::vector::{Real, by_real, total};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, WithDType};
use rayon::prelude::*;

/// Values that one thread adds up alone.
const SMALL: usize = 1 << 16;
/// Values of a cache line.
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
    let few = (SMALL / (images * pixels).max(1)).next_multiple_of(LINE);
    out.par_chunks_mut(few).enumerate().for_each(|(chunk, out)| {
        let first = chunk * few;
        if pixels == 1 {
            for image in values.chunks_exact(channels) {
                out.iter_mut().zip(&image[first..]).for_each(|(sum, value)| *sum += *value);
            }
            return;
        }
        for (at, sum) in out.iter_mut().enumerate() {
            let planes = (0..images).map(|image| &values[(image * channels + first + at) * pixels..][..pixels]);
            *sum = T::from_f64(planes.map(|plane| total([plane], |[value]| value)).sum());
        }
    });
    out
}
