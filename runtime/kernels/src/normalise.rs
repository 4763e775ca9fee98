//! Layer normalisation: one operation, forward and backward.

use super::cpu::{Values, each_row, slice};
use super::profile::timed;
use super::reference;
use super::vector::{self, Loop, Real, by_real, total};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};

const NAME: &str = "normalise_rows";
/// Rows whose gradients for gain and bias are summed at once. It is fixed, so that sums do not depend on the number of
/// threads.
const BLOCK: usize = 64;

/// Normalises each row of `[R, C]` to mean 0 and variance 1 (`least` is added to the variance), times `gain`, plus
/// `bias`, both `[C]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn normalise_rows(x: &Tensor, gain: &Tensor, bias: &Tensor, least: f64) -> Result<Tensor> {
    let (_, channels) = x.dims2()?;
    fits(channels, gain, bias)?;
    if !x.device().is_cpu() {
        return reference::normalise_rows(x, gain, bias, least);
    }
    crate::tape::op3(&x.contiguous()?, &gain.contiguous()?, &bias.contiguous()?, Normalise(least))
}

/// Refuses gains and biases other than one for each channel.
pub(super) fn fits(channels: usize, gain: &Tensor, bias: &Tensor) -> Result<()> {
    if gain.dims() != [channels] || bias.dims() != [channels] {
        candle_core::bail!("{channels} channels have a gain {:?} and a bias {:?}", gain.dims(), bias.dims());
    }
    Ok(())
}

struct Normalise(f64);

impl CustomOp3 for Normalise {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gain: &CpuStorage,
        gain_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        timed(NAME, || {
            by_real!(NAME, x.dtype(), T => {
                let (x, gain, bias) = (slice::<T>(x, x_layout)?, slice(gain, gain_layout)?, slice(bias, bias_layout)?);
                let mut out = vec![T::default(); x.len()];
                each_row(&mut out, gain.len(), x.len(), |row, out| {
                    let x = &x[row * gain.len()..][..gain.len()];
                    vector::run(Forward { x, gain, bias, least: self.0, out });
                });
                Ok((T::to_cpu_storage_owned(out), x_layout.shape().clone()))
            })
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        gain: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        timed("normalise_rows_gradient", || {
            by_real!(NAME, x.dtype(), T => {
                let (shape, channels) = (x.shape().clone(), gain.elem_count());
                let (x, scale, dy) = (Values::<T>::of(x)?, Values::<T>::of(gain)?, Values::<T>::of(&gradient)?);
                // For each block of rows: the gradients of the rows, then those of gain and bias.
                let blocks = x.len().div_ceil(BLOCK * channels);
                let width = (BLOCK + 2) * channels;
                let mut all = vec![T::default(); blocks * width];
                each_row(&mut all, width, x.len(), |block, out| {
                    let from = block * BLOCK * channels;
                    let part = from..(from + BLOCK * channels).min(x.len());
                    let (rows, sums) = out.split_at_mut(BLOCK * channels);
                    let (x, dy) = (&x[part.clone()], &dy[part]);
                    vector::run(Backward { x, gain: &scale, dy, least: self.0, out: rows, sums });
                });
                let (mut dx, mut dgain, mut dbias) =
                    (Vec::with_capacity(x.len()), vec![T::default(); channels], vec![T::default(); channels]);
                for block in all.chunks(width) {
                    let count = (BLOCK * channels).min(x.len() - dx.len());
                    dx.extend_from_slice(&block[..count]);
                    let (of_gain, of_bias) = block[BLOCK * channels..].split_at(channels);
                    dgain.iter_mut().zip(of_gain).for_each(|(sum, value)| *sum += *value);
                    dbias.iter_mut().zip(of_bias).for_each(|(sum, value)| *sum += *value);
                }
                let of = |values: Vec<T>, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device());
                Ok((Some(Tensor::from_vec(dx, shape, gain.device())?), Some(of(dgain, gain)?), Some(of(dbias, bias)?)))
            })
        })
    }
}

/// Mean and inverse standard deviation.
#[inline(always)]
pub(super) fn moments<T: Real>(x: &[T], least: f64) -> (T, T) {
    let count = x.len() as f64;
    let mean = T::from_f64(total([x], |[x]| x) / count);
    let variance = total([x], |[x]| (x - mean) * (x - mean)) / count;
    (mean, T::from_f64((variance + least).sqrt().recip()))
}

struct Forward<'a, T> {
    x: &'a [T],
    gain: &'a [T],
    bias: &'a [T],
    least: f64,
    out: &'a mut [T],
}

impl<T: Real> Loop for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (mean, precision) = moments(self.x, self.least);
        for (out, ((x, gain), bias)) in self.out.iter_mut().zip(self.x.iter().zip(self.gain).zip(self.bias)) {
            *out = (*x - mean) * precision * *gain + *bias;
        }
    }
}

struct Backward<'a, T> {
    x: &'a [T],
    gain: &'a [T],
    dy: &'a [T],
    least: f64,
    out: &'a mut [T],
    /// The gradients of gain, then of bias.
    sums: &'a mut [T],
}

impl<T: Real> Loop for Backward<'_, T> {
    type Output = ();

    /// With n the normalised value and g its gradient: (g − mean g − n · mean(g · n)) / deviation.
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let channels = self.gain.len();
        let (of_gain, of_bias) = self.sums.split_at_mut(channels);
        let rows = self.x.chunks_exact(channels).zip(self.dy.chunks_exact(channels));
        for ((x, dy), out) in rows.zip(self.out.chunks_exact_mut(channels)) {
            let (mean, precision) = moments(x, self.least);
            let count = channels as f64;
            let level = T::from_f64(total([dy, self.gain], |[dy, gain]| dy * gain) / count);
            let along = total([x, dy, self.gain], |[x, dy, gain]| (x - mean) * precision * dy * gain) / count;
            let along = T::from_f64(along);
            let each = x.iter().zip(dy).zip(self.gain).zip(out);
            for ((((x, dy), gain), out), (of_gain, of_bias)) in each.zip(of_gain.iter_mut().zip(of_bias.iter_mut())) {
                let normal = (*x - mean) * precision;
                *of_gain += *dy * normal;
                *of_bias += *dy;
                *out = precision * (*dy * *gain - level - normal * along);
            }
        }
    }
}
