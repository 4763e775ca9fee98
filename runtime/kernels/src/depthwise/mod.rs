//! Depthwise convolutions: one operation, forward and backward.

mod plane;

use super::cpu::{Values, filled_beside, filled_rows, slice};
use super::profile::timed;
use super::reference;
use super::vector::{by_real, sum};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};
use plane::{Passes, Plane};
use std::mem::MaybeUninit;

const NAME: &str = "depthwise_conv2d";

/// `[N, C, H, W]` with kernels `[C, k, k]`, k odd, and a bias `[C]`, padded so that height and width do not change.
///
/// # Errors
/// Shapes that do not fit.
pub fn depthwise_conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let ((_, channels, ..), (kernels, height, width)) = (x.dims4()?, weight.dims3()?);
    if kernels != channels || height != width || height % 2 == 0 || bias.dims() != [channels] {
        let (weight, bias) = (weight.dims(), bias.dims());
        candle_core::bail!("{channels} channels have kernels {weight:?} and a bias {bias:?}");
    }
    if !x.device().is_cpu() {
        return reference::depthwise_conv2d(x, weight, bias);
    }
    crate::tape::op3(&x.contiguous()?, &weight.contiguous()?, &bias.contiguous()?, Depthwise)
}

struct Depthwise;

impl CustomOp3 for Depthwise {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let plane = Plane::of(x_layout.dims(), weight_layout.dims());
        timed(NAME, || {
            by_real!(NAME, x.dtype(), T => {
                let (x, bias) = (slice::<T>(x, x_layout)?, slice::<T>(bias, bias_layout)?);
                let weight = slice::<T>(weight, weight_layout)?;
                let write = |number: usize, out: &mut [MaybeUninit<T>]| {
                    let channel = number % bias.len();
                    let x = plane.surrounded(&x[number * plane.len()..][..plane.len()]);
                    T::convolve(plane, &x, plane.kernel(channel, weight), bias[channel], out);
                };
                // SAFETY: every value of a plane is written.
                let out = unsafe { filled_rows(x.len(), plane.len(), x.len() * plane.taps(), write) };
                Ok((T::to_cpu_storage_owned(out), x_layout.shape().clone()))
            })
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (plane, channels, gradient) =
            (Plane::of(x.dims(), weight.dims()), bias.elem_count(), gradient.contiguous()?);
        timed("depthwise_conv2d_gradient", || {
            by_real!(NAME, x.dtype(), T => {
                let (values, kernels, dy) = (Values::<T>::of(x)?, Values::<T>::of(weight)?, Values::<T>::of(&gradient)?);
                // The gradient of the input is a convolution with the rotated kernel.
                let turned: Vec<T> =
                    kernels.chunks(plane.taps()).flat_map(|kernel| kernel.iter().rev().copied()).collect();
                // For every plane: the gradients of its channel's taps, then that of the bias.
                let width = plane.taps() + 1;
                let mut sums = vec![T::default(); values.len() / plane.len().max(1) * width];
                let write = |number: usize, out: &mut [MaybeUninit<T>], sums: &mut [T]| {
                    let [x, gradient] = [&*values, &*dy].map(|all| &all[number * plane.len()..][..plane.len()]);
                    sums[plane.taps()] = T::from_f64(sum(gradient));
                    let [x, gradient] = [x, gradient].map(|values| plane.surrounded(values));
                    T::convolve(plane, &gradient, plane.kernel(number % channels, &turned), T::default(), out);
                    T::correlate(plane, &x, &gradient, sums);
                };
                let work = values.len() * plane.taps();
                // SAFETY: every value of a plane is written.
                let dx = unsafe { filled_beside(values.len(), plane.len(), work, &mut sums, write) };
                let mut all = vec![0.0; channels * width];
                for record in sums.chunks_exact(channels * width) {
                    all.iter_mut().zip(record).for_each(|(sum, value)| *sum += value.to_f64());
                }
                let each = all.chunks_exact(width).map(|sums| sums.split_at(plane.taps()));
                let (of_weight, of_bias): (Vec<&[f64]>, Vec<&[f64]>) = each.unzip();
                let of = |values: Vec<&[f64]>, like: &Tensor| {
                    let values: Vec<T> = values.into_iter().flatten().map(|value| T::from_f64(*value)).collect();
                    Tensor::from_vec(values, like.shape(), like.device())
                };
                let dx = Tensor::from_vec(dx, x.shape(), x.device())?;
                Ok((Some(dx), Some(of(of_weight, weight)?), Some(of(of_bias, bias)?)))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};

    /// Output and gradients agree with the plain form, also for a kernel wider than the map.
    #[test]
    fn it_agrees_with_the_plain_form() -> Result<()> {
        for (dtype, tolerance) in [(DType::F32, 1e-4), (DType::F64, 1e-12)] {
            for (shape, kernel) in
                [((2, 3, 5, 4), 3), ((1, 2, 2, 3), 7), ((3, 8, 16, 16), 5), ((2, 1, 3, 3), 1), ((2, 2, 6, 33), 9)]
            {
                let random = |shape: &[usize]| {
                    Var::from_tensor(&Tensor::randn(0f64, 1.0, shape, &Device::Cpu)?.to_dtype(dtype)?)
                };
                let (batch, channels, height, width) = shape;
                let x = random(&[batch, channels, height, width])?;
                let (weight, bias) = (random(&[channels, kernel, kernel])?, random(&[channels])?);
                let cotangent = random(&[batch, channels, height, width])?;
                let ways = [depthwise_conv2d, reference::depthwise_conv2d].map(|way| -> Result<Vec<Tensor>> {
                    let out = way(&x, &weight, &bias)?;
                    let store = (&out * cotangent.as_tensor())?.sum_all()?.backward()?;
                    let gradients = [&x, &weight, &bias].map(|var| store.get(var).cloned().expect("a gradient"));
                    Ok(std::iter::once(out).chain(gradients).collect())
                });
                let [ours, plain] = ways;
                for (ours, plain) in ours?.iter().zip(&plain?) {
                    let error = (ours - plain)?.abs()?.max_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
                    assert!(error < tolerance, "{dtype:?} {shape:?}: {error:e}");
                }
            }
        }
        Ok(())
    }
}
