//! The mean and the log-variance of a normal from a network's output, and its draws.

use crate::cpu::{PART, Values, each_row, slice};
use crate::profile::timed;
use crate::vector::{self, Loop, Real, by_real};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Shape, WithDType};

/// Half of the channels of `[N, 2C, …]`: the first one unchanged, or the second one clamped to ± `bound`.
///
/// # Errors
/// A failed tensor operation.
pub fn half(head: &Tensor, second: bool, bound: f64) -> Result<Tensor> {
    crate::tape::op1(&head.contiguous()?, Half { second, bound })
}

/// mean + exp(log_var / 2) · noise, all with the same shape.
///
/// # Errors
/// A failed tensor operation.
pub fn draw(mean: &Tensor, log_var: &Tensor, noise: &Tensor) -> Result<Tensor> {
    crate::tape::op3(&mean.contiguous()?, &log_var.contiguous()?, &noise.contiguous()?, Draw)
}

struct Half {
    second: bool,
    bound: f64,
}

impl CustomOp1 for Half {
    fn name(&self) -> &'static str {
        "normal_head"
    }

    fn cpu_fwd(&self, head: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut dims = layout.dims().to_vec();
        dims[1] /= 2;
        let row: usize = dims[1..].iter().product();
        timed(self.name(), || {
            by_real!(self.name(), head.dtype(), T => {
                let (head, bound) = (slice::<T>(head, layout)?, T::from_f64(self.bound));
                let mut out = vec![T::default(); head.len() / 2];
                each_row(&mut out, row, head.len(), |number, out| {
                    let from = &head[(2 * number + usize::from(self.second)) * row..][..row];
                    // NaN is preserved.
                    out.iter_mut().zip(from).for_each(|(to, from)| *to = from.clamp(-bound, bound));
                });
                Ok((T::to_cpu_storage_owned(out), Shape::from(dims)))
            })
        })
    }

    fn bwd(&self, head: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        timed(self.name(), || {
            by_real!(self.name(), head.dtype(), T => {
                let (values, by, bound) = (Values::<T>::of(head)?, Values::<T>::of(&gradient)?, T::from_f64(self.bound));
                let row = values.len() / (2 * head.dim(0)?).max(1);
                let mut out = vec![T::default(); values.len()];
                each_row(&mut out, 2 * row, values.len(), |number, out| {
                    let first = usize::from(self.second) * row;
                    let from = &values[2 * number * row + first..][..row];
                    for ((to, from), by) in out[first..][..row].iter_mut().zip(from).zip(&by[number * row..]) {
                        *to = if from.abs() <= bound { *by } else { 0.0 };
                    }
                });
                Tensor::from_vec(out, head.shape(), head.device()).map(Some)
            })
        })
    }
}

struct Draw;

impl CustomOp3 for Draw {
    fn name(&self) -> &'static str {
        "normal_draw"
    }

    fn cpu_fwd(
        &self,
        mean: &CpuStorage,
        at_mean: &Layout,
        log_var: &CpuStorage,
        at_log_var: &Layout,
        noise: &CpuStorage,
        at_noise: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        timed(self.name(), || {
            by_real!(self.name(), mean.dtype(), T => {
                let (mean, log_var) = (slice::<T>(mean, at_mean)?, slice::<T>(log_var, at_log_var)?);
                let noise = slice::<T>(noise, at_noise)?;
                let mut out = vec![T::default(); mean.len()];
                each_row(&mut out, PART, mean.len(), |part, out| {
                    let (log_var, by, mean) = (&log_var[part * PART..], &noise[part * PART..], &mean[part * PART..]);
                    vector::run(Deviations { log_var, by, scale: 1.0, out });
                    out.iter_mut().zip(mean).for_each(|(out, mean)| *out += *mean);
                });
                Ok((T::to_cpu_storage_owned(out), at_mean.shape().clone()))
            })
        })
    }

    fn bwd(
        &self,
        mean: &Tensor,
        log_var: &Tensor,
        noise: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        timed(self.name(), || {
            by_real!(self.name(), mean.dtype(), T => {
                let (log_vars, by) = (Values::<T>::of(log_var)?, Values::<T>::of(&gradient)?);
                // The other factor besides exp(log_var / 2) and the gradient, and a constant.
                let slope = |other: Option<&[T]>, scale: T| {
                    let mut out = vec![T::default(); by.len()];
                    each_row(&mut out, PART, by.len(), |part, out| {
                        let first = part * PART;
                        vector::run(Deviations { log_var: &log_vars[first..], by: &by[first..], scale, out });
                        if let Some(other) = other {
                            out.iter_mut().zip(&other[first..]).for_each(|(out, other)| *out *= *other);
                        }
                    });
                    Tensor::from_vec(out, log_var.shape(), log_var.device())
                };
                let drawn = Values::<T>::of(noise)?;
                let for_log_var = log_var.track_op().then(|| slope(Some(&drawn), 0.5)).transpose()?;
                let for_noise = noise.track_op().then(|| slope(None, 1.0)).transpose()?;
                Ok((mean.track_op().then_some(gradient.clone()), for_log_var, for_noise))
            })
        })
    }
}

/// `out = scale · exp(log_var / 2) · by`.
struct Deviations<'a, T> {
    log_var: &'a [T],
    by: &'a [T],
    scale: T,
    out: &'a mut [T],
}

impl<T: Real> Loop for Deviations<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let half = T::from_f64(0.5);
        for ((out, log_var), by) in self.out.iter_mut().zip(self.log_var).zip(self.by) {
            *out = self.scale * (half * *log_var).exp::<FUSED>() * *by;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{made, same};
    use crate::{Device, Result, Tensor, normal_draw, normal_halves};

    /// The tolerance for rounding a few operations in f64.
    const ROUNDING: f64 = 1e-14;

    /// Halves, draws and their gradients agree with candle's operations. A log-variance beyond its bound has no
    /// gradient.
    #[test]
    fn a_draw_from_a_head_is_the_formula() -> Result<()> {
        for shape in [[2usize, 6, 1, 1], [3, 4, 2, 3], [2, 2, 60, 50]] {
            let head = made(&shape, 0.3)?;
            let half = [shape[0], shape[1] / 2, shape[2], shape[3]];
            let (noise, weight) = (made(&half, 0.8)?, made(&half, 1.1)?);
            let ours = |h: &Tensor| -> Result<Tensor> {
                let (mean, log_var) = normal_halves(h, 2.0)?;
                normal_draw(&mean, &log_var, noise.as_tensor())
            };
            let plain = |h: &Tensor| -> Result<Tensor> {
                let log_var = h.narrow(1, half[1], half[1])?.contiguous()?.clamp(-2.0, 2.0)?;
                h.narrow(1, 0, half[1])? + ((log_var * 0.5)?.exp()? * noise.as_tensor())?
            };
            let run = |draw: &dyn Fn(&Tensor) -> Result<Tensor>| -> Result<[Tensor; 3]> {
                let out = draw(head.as_tensor())?;
                let found = (&out * weight.as_detached_tensor())?.sum_all()?.backward()?;
                Ok([out, found.get(&head).unwrap().clone(), found.get(&noise).unwrap().clone()])
            };
            let (ours, theirs) = (run(&ours)?, run(&plain)?);
            ours.iter().zip(&theirs).try_for_each(|(a, b)| same(a, b, ROUNDING))?;
        }
        Ok(())
    }

    #[test]
    fn what_is_no_number_stays_none() -> Result<()> {
        let head = Tensor::new(&[[f32::NAN, f32::NAN]], &Device::Cpu)?;
        let (mean, log_var) = normal_halves(&head, 7.0)?;
        assert!(
            mean.flatten_all()?.to_vec1::<f32>()?[0].is_nan() && log_var.flatten_all()?.to_vec1::<f32>()?[0].is_nan()
        );
        Ok(())
    }
}
