//! Group normalisation: one operation, forward and backward.

use super::cpu::{Values, filled_beside, filled_rows, slice};
use super::normalise::{DEPTH, fits, moments, planes};
use super::profile::timed;
use super::reference;
use super::vector::{self, Loop, Real, by_real, totals_of};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};
use std::mem::MaybeUninit;

const NAME: &str = "normalise_groups";

/// Normalises each group of channels of `[N, C, …]` to mean 0 and variance 1 per record (`least` is added to the
/// variance), times `gain`, plus `bias`, both `[C]` (Wu and He 2018).
///
/// # Errors
/// Shapes that do not fit, or channels that the groups do not divide.
pub fn normalise_groups(x: &Tensor, gain: &Tensor, bias: &Tensor, groups: usize, least: f64) -> Result<Tensor> {
    let (channels, positions) = planes(x)?;
    fits(channels, gain, bias)?;
    if groups == 0 || !channels.is_multiple_of(groups) {
        candle_core::bail!("{groups} groups do not divide {channels} channels");
    }
    if !x.device().is_cpu() || x.elem_count() == 0 {
        return reference::normalise_groups(x, gain, bias, groups, least);
    }
    let sizes = Sizes { channels: channels / groups, groups, positions };
    crate::tape::op3(&x.contiguous()?, &gain.contiguous()?, &bias.contiguous()?, Normalise { sizes, least })
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Of a group.
    channels: usize,
    groups: usize,
    positions: usize,
}

impl Sizes {
    /// Values of a group.
    fn values(self) -> usize {
        self.channels * self.positions
    }

    /// The channels of the group with this number, which counts on from record to record.
    fn of<T>(self, number: usize, all: &[T]) -> &[T] {
        &all[number % self.groups * self.channels..][..self.channels]
    }
}

struct Normalise {
    sizes: Sizes,
    least: f64,
}

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
                let (sizes, least) = (self.sizes, self.least);
                let write = |number: usize, out: &mut [MaybeUninit<T>]| {
                    let x = &x[number * sizes.values()..][..sizes.values()];
                    vector::run(Forward { x, gain: sizes.of(number, gain), bias: sizes.of(number, bias), least, out });
                };
                // SAFETY: every value of a group is written.
                let out = unsafe { filled_rows(x.len(), sizes.values(), x.len(), write) };
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
        timed("normalise_groups_gradient", || {
            by_real!(NAME, x.dtype(), T => {
                let (sizes, least, channels) = (self.sizes, self.least, gain.elem_count());
                let (values, scale, dy) = (Values::<T>::of(x)?, Values::<T>::of(gain)?, Values::<T>::of(&gradient)?);
                // For each record and channel: the gradients of gain and bias.
                let mut sums = vec![[0.0; 2]; values.len() / sizes.positions];
                let write = |number: usize, out: &mut [MaybeUninit<T>], sums: &mut [[f64; 2]]| {
                    let [x, dy] = [&*values, &*dy].map(|all| &all[number * sizes.values()..][..sizes.values()]);
                    vector::run(Backward { x, gain: sizes.of(number, &scale), dy, least, out, sums });
                };
                // SAFETY: every value of a group is written.
                let dx = unsafe { filled_beside(values.len(), sizes.values(), values.len(), &mut sums, write) };
                let mut all = vec![[0.0; 2]; channels];
                for record in sums.chunks(channels) {
                    all.iter_mut().zip(record).for_each(|(all, [gain, bias])| {
                        all[0] += gain;
                        all[1] += bias;
                    });
                }
                let of = |at: usize, like: &Tensor| {
                    let values: Vec<T> = all.iter().map(|sums| T::from_f64(sums[at])).collect();
                    Tensor::from_vec(values, like.shape(), like.device())
                };
                Ok((Some(Tensor::from_vec(dx, x.shape(), x.device())?), Some(of(0, gain)?), Some(of(1, bias)?)))
            })
        })
    }
}

/// One group of one record.
struct Forward<'a, T> {
    x: &'a [T],
    gain: &'a [T],
    bias: &'a [T],
    least: f64,
    out: &'a mut [MaybeUninit<T>],
}

impl<T: Real> Loop for Forward<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (mean, precision) = moments(self.x, self.least);
        let positions = self.x.len() / self.gain.len();
        let planes = self.out.chunks_exact_mut(positions).zip(self.x.chunks_exact(positions));
        for ((out, x), (gain, bias)) in planes.zip(self.gain.iter().zip(self.bias)) {
            for (out, x) in out.iter_mut().zip(x) {
                out.write(((*x - mean) * precision).fused::<FUSED>(*gain, *bias));
            }
        }
    }
}

struct Backward<'a, T> {
    x: &'a [T],
    gain: &'a [T],
    dy: &'a [T],
    least: f64,
    out: &'a mut [MaybeUninit<T>],
    /// For each channel, the gradients of gain and bias.
    sums: &'a mut [[f64; 2]],
}

impl<T: Real> Loop for Backward<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    /// With n the normalised value and g its gradient: (g − mean g − n · mean(g · n)) / deviation.
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (mean, precision) = moments(self.x, self.least);
        let (count, positions) = (self.x.len() as f64, self.x.len() / self.gain.len());
        let (mut level, mut along) = (0.0, 0.0);
        let planes = self.x.chunks_exact(positions).zip(self.dy.chunks_exact(positions));
        for ((x, dy), (gain, sums)) in planes.zip(self.gain.iter().zip(self.sums)) {
            *sums = totals_of::<T, 2, 2, DEPTH>([x, dy], |[x, dy]| [(x - mean) * precision * dy, dy]);
            along += gain.to_f64() * sums[0];
            level += gain.to_f64() * sums[1];
        }
        let (level, along) = (T::from_f64(level / count), T::from_f64(along / count));
        let planes = self.x.chunks_exact(positions).zip(self.dy.chunks_exact(positions));
        for ((out, (x, dy)), gain) in self.out.chunks_exact_mut(positions).zip(planes).zip(self.gain) {
            for (out, (x, dy)) in out.iter_mut().zip(x.iter().zip(dy)) {
                out.write(precision * (*dy * *gain - level - (*x - mean) * precision * along));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::normalise_groups;
    use crate::Result;
    use crate::reference;
    use crate::testing::agree;

    #[test]
    fn value_and_gradients_are_those_of_the_formula() -> Result<()> {
        for ([records, channels, positions], groups) in
            [([1, 1, 1], 1), ([3, 6, 5], 2), ([2, 4, 130], 4), ([40, 12, 49], 1)]
        {
            agree(
                &[&[records, channels, positions], &[channels], &[channels]],
                |[x, gain, bias]| normalise_groups(x, gain, bias, groups, 1e-5),
                |[x, gain, bias]| reference::normalise_groups(x, gain, bias, groups, 1e-5),
            )?;
        }
        Ok(())
    }
}
