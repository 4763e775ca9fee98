//! Special functions of tensors, and draws that are made with them.
//!
//! Everything is computed in double precision on the CPU and rounded once; tensors on a GPU are brought there and back.

mod binomial;
mod directions;
mod incomplete;
mod lane;
mod number;

pub use binomial::binomial_draw;
pub use directions::{direction_angle_draw, direction_log_peak, direction_mean_length};
pub use number::{Special, Wide};

use crate::cpu::{filled, slice};
use crate::normal::same_shape;
use crate::profile::timed;
use crate::vector::{self, Loop};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Device, Layout, Shape, WithDType};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// A function of a number with its derivative.
trait Function: Send + Sync + 'static {
    const NAME: &'static str;

    fn value<S: Special>(x: S) -> S;
    fn slope<S: Special>(x: S) -> S;
}

struct LogGamma;

impl Function for LogGamma {
    const NAME: &'static str = "lgamma";

    #[inline(always)]
    fn value<S: Special>(x: S) -> S {
        x.lgamma()
    }

    #[inline(always)]
    fn slope<S: Special>(x: S) -> S {
        x.digamma()
    }
}

struct Digamma;

impl Function for Digamma {
    const NAME: &'static str = "digamma";

    #[inline(always)]
    fn value<S: Special>(x: S) -> S {
        x.digamma()
    }

    #[inline(always)]
    fn slope<S: Special>(x: S) -> S {
        x.trigamma()
    }
}

/// ln Γ(x), element by element, of positive values; within 4e-15 · max(1, |ln Γ|) in f64.
///
/// # Errors
/// A failed tensor operation.
pub fn lgamma(x: &Tensor) -> Result<Tensor> {
    on_cpu(&[x], |inputs| crate::tape::op1(&inputs[0], Apply::<LogGamma>(PhantomData)))
}

/// ψ(x) = d ln Γ(x) / dx, element by element, of positive values; within 4e-15 · max(1, |ψ|) in f64.
///
/// # Errors
/// A failed tensor operation.
pub fn digamma(x: &Tensor) -> Result<Tensor> {
    on_cpu(&[x], |inputs| crate::tape::op1(&inputs[0], Apply::<Digamma>(PhantomData)))
}

/// ln z of a gamma variable z of rate 1, from the logarithm of its concentration and standard normal noise: the value at
/// which its distribution function is that of the noise. The gradient for the concentration is the implicit one
/// (Figurnov, Mohamed and Mnih 2018); the noise has none.
///
/// # Errors
/// Shapes that differ.
pub fn log_gamma_draw(log_concentration: &Tensor, noise: &Tensor) -> Result<Tensor> {
    same_shape("a concentration and its noise", log_concentration, noise)?;
    let noise = noise.detach();
    on_cpu(&[log_concentration, &noise], |inputs| crate::tape::op2(&inputs[0], &inputs[1], GammaDraw))
}

/// Poisson variables from the logarithms of their means and standard normal noise: the least count at which the distribution
/// function reaches that of the noise. There is no gradient.
///
/// # Errors
/// Shapes that differ.
pub fn poisson_draw(log_mean: &Tensor, noise: &Tensor) -> Result<Tensor> {
    same_shape("a mean and its noise", log_mean, noise)?;
    let (log_mean, noise) = (log_mean.detach(), noise.detach());
    on_cpu(&[&log_mean, &noise], |inputs| inputs[0].apply_op2_no_bwd(&inputs[1], &PoissonDraw))
}

/// Contiguous copies of the inputs on the CPU; the result goes back to where they were.
pub(crate) fn on_cpu<const N: usize>(
    inputs: &[&Tensor; N],
    work: impl FnOnce(&[Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    let device = inputs[0].device();
    let mut here = inputs.map(Tensor::clone);
    for input in &mut here {
        if !input.device().is_cpu() {
            *input = input.to_device(&Device::Cpu)?;
        }
        *input = input.contiguous()?;
    }
    let value = work(&here)?;
    if device.is_cpu() { Ok(value) } else { value.to_device(device) }
}

struct Apply<F>(PhantomData<F>);
struct Slope<F>(PhantomData<F>);

impl<F: Function> CustomOp1 for Apply<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        timed(F::NAME, || {
            vector::by_real!(F::NAME, x.dtype(), T => {
                let x = slice::<T>(x, layout)?;
                let write = |at: usize, out: &mut [MaybeUninit<T>]| {
                    vector::run(Values::<F, T> { x: &x[at..][..out.len()], out, of: PhantomData });
                };
                // SAFETY: the loop writes as many values as it is given.
                let out = unsafe { filled(x.len(), write) };
                Ok((T::to_cpu_storage_owned(out), layout.shape().clone()))
            })
        })
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        x.apply_op2_no_bwd(&gradient.contiguous()?, &Slope::<F>(PhantomData)).map(Some)
    }
}

impl<F: Function> CustomOp2 for Slope<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, at_x: &Layout, by: &CpuStorage, at_by: &Layout) -> Result<(CpuStorage, Shape)> {
        timed(F::NAME, || {
            vector::by_real!(F::NAME, x.dtype(), T => {
                let (x, by) = (slice::<T>(x, at_x)?, slice::<T>(by, at_by)?);
                let write = |at: usize, out: &mut [MaybeUninit<T>]| {
                    let part = at..at + out.len();
                    vector::run(Slopes::<F, T> { x: &x[part.clone()], by: &by[part], out, of: PhantomData });
                };
                // SAFETY: the loop writes as many values as it is given.
                let out = unsafe { filled(x.len(), write) };
                Ok((T::to_cpu_storage_owned(out), at_x.shape().clone()))
            })
        })
    }
}

struct Values<'a, F, T> {
    x: &'a [T],
    out: &'a mut [MaybeUninit<T>],
    of: PhantomData<F>,
}

impl<F: Function, T: WithDType> Loop for Values<'_, F, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (x, out) in self.x.iter().zip(self.out) {
            out.write(T::from_f64(F::value(Wide::<FUSED>(x.to_f64())).0));
        }
    }
}

struct Slopes<'a, F, T> {
    x: &'a [T],
    by: &'a [T],
    out: &'a mut [MaybeUninit<T>],
    of: PhantomData<F>,
}

impl<F: Function, T: WithDType> Loop for Slopes<'_, F, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for ((x, by), out) in self.x.iter().zip(self.by).zip(self.out) {
            out.write(T::from_f64(F::slope(Wide::<FUSED>(x.to_f64())).0 * by.to_f64()));
        }
    }
}

/// A function of two numbers, element by element, on all cores.
fn each(
    name: &'static str,
    [a, b]: [(&CpuStorage, &Layout); 2],
    function: impl Fn(f64, f64) -> f64 + Sync,
) -> Result<(CpuStorage, Shape)> {
    timed(name, || {
        vector::by_real!(name, a.0.dtype(), T => {
            let (left, right) = (slice::<T>(a.0, a.1)?, slice::<T>(b.0, b.1)?);
            let write = |at: usize, out: &mut [MaybeUninit<T>]| {
                for (offset, out) in out.iter_mut().enumerate() {
                    let (left, right) = (left[at + offset].to_f64(), right[at + offset].to_f64());
                    out.write(T::from_f64(function(left, right)));
                }
            };
            // SAFETY: the loop writes every value of its part.
            let out = unsafe { filled(left.len(), write) };
            Ok((T::to_cpu_storage_owned(out), a.1.shape().clone()))
        })
    })
}

struct GammaDraw;

impl CustomOp2 for GammaDraw {
    fn name(&self) -> &'static str {
        "gamma_draw"
    }

    fn cpu_fwd(&self, a: &CpuStorage, at_a: &Layout, b: &CpuStorage, at_b: &Layout) -> Result<(CpuStorage, Shape)> {
        each("gamma_draw", [(a, at_a), (b, at_b)], |log, noise| incomplete::log_gamma_quantile(log.exp(), noise))
    }

    fn bwd(&self, log: &Tensor, _: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let slope = log.apply_op2_no_bwd(&y.contiguous()?, &GammaSlope)?;
        Ok((Some((slope * gradient)?), None))
    }
}

struct GammaSlope;

impl CustomOp2 for GammaSlope {
    fn name(&self) -> &'static str {
        "gamma_draw_gradient"
    }

    fn cpu_fwd(&self, a: &CpuStorage, at_a: &Layout, b: &CpuStorage, at_b: &Layout) -> Result<(CpuStorage, Shape)> {
        each("gamma_draw_gradient", [(a, at_a), (b, at_b)], |log, y| incomplete::log_gamma_quantile_slope(log.exp(), y))
    }
}

struct PoissonDraw;

impl CustomOp2 for PoissonDraw {
    fn name(&self) -> &'static str {
        "poisson_draw"
    }

    fn cpu_fwd(&self, a: &CpuStorage, at_a: &Layout, b: &CpuStorage, at_b: &Layout) -> Result<(CpuStorage, Shape)> {
        each("poisson_draw", [(a, at_a), (b, at_b)], |log, noise| incomplete::poisson_quantile(log.exp(), noise))
    }
}

#[cfg(test)]
mod tests;
