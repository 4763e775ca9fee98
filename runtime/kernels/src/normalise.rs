//! Layer normalisation over the channels at each position: one operation, forward and backward.
//!
//! Records of one position are rows, normalised one by one. In maps the values of a channel are contiguous, and the
//! positions of a block are normalised together.

mod columns;
mod rows;

use super::cpu::{Values, filled_beside, slice};
use super::profile::timed;
use super::reference;
use super::vector::{self, Loop, Real, by_real, totals_of};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

const NAME: &str = "normalise_channels";
/// Values per task, at least. It is fixed, so that sums do not depend on the number of threads.
const TASK: usize = 1 << 14;
/// Values that a lane adds up in their own type: an error of a few units in the last place of their sum.
pub(super) const DEPTH: usize = 8;

/// Normalises the channels at every position of `[N, C, …]` to mean 0 and variance 1 (`least` is added to the
/// variance), times `gain`, plus `bias`, both `[C]` (Ba et al. 2016).
///
/// # Errors
/// Shapes that do not fit.
pub fn normalise_channels(x: &Tensor, gain: &Tensor, bias: &Tensor, least: f64) -> Result<Tensor> {
    let (channels, positions) = planes(x)?;
    fits(channels, gain, bias)?;
    if !x.device().is_cpu() || x.elem_count() == 0 {
        return reference::normalise_channels(x, gain, bias, least);
    }
    let op = Kept { sizes: Normalise { channels, positions, least }, moments: OnceLock::new() };
    crate::tape::op3(&x.contiguous()?, &gain.contiguous()?, &bias.contiguous()?, op)
}

/// The channels of `[N, C, …]`, and the positions of each.
pub(super) fn planes(x: &Tensor) -> Result<(usize, usize)> {
    Ok((x.dim(1)?, x.dims()[2..].iter().product()))
}

/// Refuses gains and biases other than one for each channel.
pub(super) fn fits(channels: usize, gain: &Tensor, bias: &Tensor) -> Result<()> {
    if gain.dims() != [channels] || bias.dims() != [channels] {
        candle_core::bail!("{channels} channels have a gain {:?} and a bias {:?}", gain.dims(), bias.dims());
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Normalise {
    channels: usize,
    positions: usize,
    least: f64,
}

impl Normalise {
    /// Values of a record.
    fn record(self) -> usize {
        self.channels * self.positions
    }

    /// Values of a task: whole records.
    fn task(self) -> usize {
        TASK.div_ceil(self.record()) * self.record()
    }

    /// Records of a task, and the number of tasks for some values.
    fn tasks(self, values: usize) -> [usize; 2] {
        [self.task() / self.record(), values.div_ceil(self.task())]
    }
}

/// The records of a task: their values, and mean and inverse standard deviation of those of one position.
struct Forward<'a, T> {
    sizes: Normalise,
    x: &'a [T],
    /// Gain and bias.
    each: [&'a [T]; 2],
    out: &'a mut [MaybeUninit<T>],
    moments: &'a mut [[f64; 2]],
}

impl<T: Real> Loop for Forward<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let record = self.sizes.record();
        let records = self.x.chunks_exact(record).zip(self.out.chunks_exact_mut(record));
        for ((x, out), kept) in records.zip(self.moments) {
            match self.sizes.positions {
                1 => {
                    let moments = moments(x, self.sizes.least);
                    *kept = [moments.0.to_f64(), moments.1.to_f64()];
                    rows::forward::<T, FUSED>(x, self.each, moments, out);
                }
                _ => columns::forward::<T, FUSED>(self.sizes, x, self.each, out),
            }
        }
    }
}

/// The records of a task. Adds to the gradients of gain and bias.
struct Backward<'a, T> {
    sizes: Normalise,
    /// Values, and gradients of the output.
    read: [&'a [T]; 2],
    gain: &'a [T],
    moments: &'a [[f64; 2]],
    out: &'a mut [MaybeUninit<T>],
    sums: &'a mut [T],
}

impl<T: Real> Loop for Backward<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (of_gain, of_bias) = self.sums.split_at_mut(self.sizes.channels);
        if self.sizes.positions == 1 {
            return rows::backward::<T, FUSED>(self.read, self.gain, self.moments, self.out, [of_gain, of_bias]);
        }
        let (record, [x, dy]) = (self.sizes.record(), self.read);
        let records = x.chunks_exact(record).zip(dy.chunks_exact(record));
        for ((x, dy), out) in records.zip(self.out.chunks_exact_mut(record)) {
            let sums = [&mut *of_gain, &mut *of_bias];
            columns::backward::<T, FUSED>(self.sizes, [x, dy], self.gain, out, sums);
        }
    }
}

/// The operation.
struct Kept {
    sizes: Normalise,
    /// Mean and inverse standard deviation of every record of one position, from the forward pass.
    moments: OnceLock<Vec<[f64; 2]>>,
}

impl CustomOp3 for Kept {
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
        let sizes = self.sizes;
        timed(NAME, || {
            by_real!(NAME, x.dtype(), T => {
                let x = slice::<T>(x, x_layout)?;
                let each = [slice::<T>(gain, gain_layout)?, slice(bias, bias_layout)?];
                let [records, tasks] = sizes.tasks(x.len());
                let mut all = vec![[0.0; 2]; records * tasks];
                let write = |task: usize, out: &mut [MaybeUninit<T>], moments: &mut [[f64; 2]]| {
                    let x = &x[task * sizes.task()..][..out.len()];
                    vector::run(Forward { sizes, x, each, out, moments });
                };
                // SAFETY: every record is written.
                let out = unsafe { filled_beside(x.len(), sizes.task(), x.len(), &mut all, write) };
                _ = self.moments.set(all);
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
        let (gradient, sizes) = (gradient.contiguous()?, self.sizes);
        let Some(moments) = self.moments.get() else { candle_core::bail!("{NAME}: no forward pass") };
        timed("normalise_channels_gradient", || {
            by_real!(NAME, x.dtype(), T => {
                let (values, scale, dy) = (Values::<T>::of(x)?, Values::<T>::of(gain)?, Values::<T>::of(&gradient)?);
                let (width, [records, tasks]) = (2 * sizes.channels, sizes.tasks(values.len()));
                // For each task: the gradients of gain and bias.
                let mut sums = vec![T::default(); tasks * width];
                let write = |task: usize, out: &mut [MaybeUninit<T>], sums: &mut [T]| {
                    let read = [&*values, &*dy].map(|all| &all[task * sizes.task()..][..out.len()]);
                    let moments = &moments[task * records..][..records];
                    vector::run(Backward { sizes, read, gain: &scale, moments, out, sums });
                };
                // SAFETY: every record is written.
                let dx = unsafe { filled_beside(values.len(), sizes.task(), values.len(), &mut sums, write) };
                let mut all = vec![T::default(); width];
                for sums in sums.chunks_exact(width) {
                    all.iter_mut().zip(sums).for_each(|(sum, value)| *sum += *value);
                }
                let of_bias = all.split_off(sizes.channels);
                let of = |values: Vec<T>, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device());
                Ok((Some(of(dx, x)?), Some(of(all, gain)?), Some(of(of_bias, bias)?)))
            })
        })
    }
}

/// Mean and inverse standard deviation.
#[inline(always)]
pub(super) fn moments<T: Real>(x: &[T], least: f64) -> (T, T) {
    let count = x.len() as f64;
    let [sum] = totals_of::<T, 1, 1, DEPTH>([x], |[x]| [x]);
    let mean = T::from_f64(sum / count);
    let [squares] = totals_of::<T, 1, 1, DEPTH>([x], |[x]| [(x - mean) * (x - mean)]);
    let variance = squares / count;
    (mean, T::from_f64((variance + least).sqrt().recip()))
}

#[cfg(test)]
mod tests {
    use super::normalise_channels;
    use crate::Result;
    use crate::reference;
    use crate::testing::agree;

    /// Vectors and maps, with more positions than a block has, and channels that fill no vector.
    #[test]
    fn value_and_gradients_are_those_of_the_formula() -> Result<()> {
        for [records, channels, positions] in
            [[1, 2, 1], [70, 5, 1], [9, 512, 1], [3, 6, 5], [2, 37, 300], [33, 16, 49]]
        {
            agree(
                &[&[records, channels, positions], &[channels], &[channels]],
                |[x, gain, bias]| normalise_channels(x, gain, bias, 1e-5),
                |[x, gain, bias]| reference::normalise_channels(x, gain, bias, 1e-5),
            )?;
        }
        Ok(())
    }
}
