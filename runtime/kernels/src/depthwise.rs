//! Depthwise convolutions: one operation, forward and backward.

use super::cpu::{Values, each_row, slice};
use super::profile::timed;
use super::reference;
use super::vector::{self, Loop, Real, by_real};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};

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

/// Sizes of one plane and its kernel.
#[derive(Clone, Copy)]
struct Plane {
    height: usize,
    width: usize,
    kernel: usize,
}

impl Plane {
    fn of(x: &[usize], weight: &[usize]) -> Self {
        Self { height: x[2], width: x[3], kernel: weight[1] }
    }

    fn len(self) -> usize {
        self.height * self.width
    }

    fn taps(self) -> usize {
        self.kernel * self.kernel
    }

    /// For a tap and a row of the output: the row of the input, and the overlap of the rows of output and input.
    #[inline(always)]
    fn overlap(self, tap: usize, row: usize) -> Option<(usize, usize, usize, usize)> {
        let pad = self.kernel / 2;
        let (down, right) = (tap / self.kernel, tap % self.kernel);
        let from = (row + down).checked_sub(pad).filter(|from| *from < self.height)?;
        let (out, read) = (pad.saturating_sub(right), right.saturating_sub(pad));
        let count = self.width.checked_sub(out + read)?;
        Some((from, out, read, count))
    }
}

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
                let mut out = vec![T::default(); x.len()];
                each_row(&mut out, plane.len(), x.len() * plane.taps(), |number, out| {
                    let channel = number % bias.len();
                    out.fill(bias[channel]);
                    let weight = &weight[channel * plane.taps()..][..plane.taps()];
                    vector::run(Convolve { plane, x: &x[number * plane.len()..][..plane.len()], weight, out });
                });
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
        let (plane, gradient) = (Plane::of(x.dims(), weight.dims()), gradient.contiguous()?);
        timed("depthwise_conv2d_gradient", || {
            by_real!(NAME, x.dtype(), T => {
                let (shape, channels) = (x.shape(), bias.elem_count());
                let (values, kernels, dy) = (Values::<T>::of(x)?, Values::<T>::of(weight)?, Values::<T>::of(&gradient)?);
                // The gradient of the input is a convolution with the rotated kernel.
                let turned: Vec<T> =
                    kernels.chunks(plane.taps()).flat_map(|kernel| kernel.iter().rev().copied()).collect();
                let mut dx = vec![T::default(); values.len()];
                each_row(&mut dx, plane.len(), values.len() * plane.taps(), |number, out| {
                    let weight = &turned[number % channels * plane.taps()..][..plane.taps()];
                    vector::run(Convolve { plane, x: &dy[number * plane.len()..][..plane.len()], weight, out });
                });
                // For each channel: the gradients of its taps, then that of its bias.
                let mut sums = vec![T::default(); channels * (plane.taps() + 1)];
                each_row(&mut sums, plane.taps() + 1, values.len() * plane.taps(), |channel, out| {
                    for at in (channel * plane.len()..values.len()).step_by(channels * plane.len()) {
                        let (x, dy) = (&values[at..][..plane.len()], &dy[at..][..plane.len()]);
                        vector::run(Correlate { plane, x, dy, out });
                    }
                });
                let sums = Tensor::from_vec(sums, (channels, plane.taps() + 1), x.device())?;
                let dw = sums.narrow(1, 0, plane.taps())?.contiguous()?.reshape(weight.shape())?;
                let db = sums.narrow(1, plane.taps(), 1)?.contiguous()?.reshape(bias.shape())?;
                Ok((Some(Tensor::from_vec(dx, shape, x.device())?), Some(dw), Some(db)))
            })
        })
    }
}

struct Convolve<'a, T> {
    plane: Plane,
    x: &'a [T],
    weight: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Loop for Convolve<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let width = self.plane.width;
        for (row, out) in self.out.chunks_exact_mut(width).enumerate() {
            for (tap, weight) in self.weight.iter().enumerate() {
                let Some((from, to, read, count)) = self.plane.overlap(tap, row) else { continue };
                let x = &self.x[from * width + read..][..count];
                for (out, x) in out[to..][..count].iter_mut().zip(x) {
                    *out += *weight * *x;
                }
            }
        }
    }
}

struct Correlate<'a, T> {
    plane: Plane,
    x: &'a [T],
    dy: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Loop for Correlate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (width, taps) = (self.plane.width, self.plane.taps());
        for tap in 0..taps {
            let mut sum = T::default();
            for (row, dy) in self.dy.chunks_exact(width).enumerate() {
                let Some((from, to, read, count)) = self.plane.overlap(tap, row) else { continue };
                let (dy, x) = (&dy[to..][..count], &self.x[from * width + read..][..count]);
                sum += T::from_f64(vector::total([dy, x], |[dy, x]| dy * x));
            }
            self.out[tap] += sum;
        }
        self.out[taps] += T::from_f64(vector::total([self.dy], |[dy]| dy));
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
            for (shape, kernel) in [((2, 3, 5, 4), 3), ((1, 2, 2, 3), 7), ((3, 8, 16, 16), 5), ((2, 1, 3, 3), 1)] {
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
