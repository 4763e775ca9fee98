//! Activations: one pass forward, one backward.

use super::cpu::{filled, slice, unsupported};
use super::profile::timed;
use super::vector::{self, Loop};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Layout, Shape};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// h where h > 0, else exp(h) − 1.
///
/// # Errors
/// A failed tensor operation.
pub fn elu(h: &Tensor) -> Result<Tensor> {
    if super::cuda::takes(h) {
        return super::cuda::elu(h);
    }
    if h.device().is_cpu() { activate::<Elu>(h) } else { h.elu(1.0) }
}

/// max(h, 0).
///
/// # Errors
/// A failed tensor operation.
pub fn relu(h: &Tensor) -> Result<Tensor> {
    h.relu()
}

/// h · sigmoid(h).
///
/// # Errors
/// A failed tensor operation.
pub fn silu(h: &Tensor) -> Result<Tensor> {
    if h.device().is_cpu() { activate::<Silu>(h) } else { h.silu() }
}

/// A function of a number, and its derivative from the number and the function's value there.
trait Activation: Send + Sync + 'static {
    const NAME: &'static str;
    const GRADIENT: &'static str;

    fn value<const FUSED: bool>(x: f32) -> f32;
    fn slope<const FUSED: bool>(x: f32, value: f32) -> f32;
    fn exact(x: f64) -> f64;
    fn exact_slope(x: f64, value: f64) -> f64;
}

struct Elu;

impl Activation for Elu {
    const NAME: &'static str = "elu";
    const GRADIENT: &'static str = "elu_gradient";

    #[inline(always)]
    fn value<const FUSED: bool>(x: f32) -> f32 {
        let below = vector::exp_m1::<FUSED>(x);
        if x > 0.0 { x } else { below }
    }

    #[inline(always)]
    fn slope<const FUSED: bool>(x: f32, value: f32) -> f32 {
        if x > 0.0 { 1.0 } else { value + 1.0 }
    }

    fn exact(x: f64) -> f64 {
        if x > 0.0 { x } else { x.exp_m1() }
    }

    fn exact_slope(x: f64, value: f64) -> f64 {
        if x > 0.0 { 1.0 } else { value + 1.0 }
    }
}

struct Silu;

impl Activation for Silu {
    const NAME: &'static str = "silu";
    const GRADIENT: &'static str = "silu_gradient";

    #[inline(always)]
    fn value<const FUSED: bool>(x: f32) -> f32 {
        x * vector::sigmoid::<FUSED>(x)
    }

    /// s + v (1 − s), s the sigmoid.
    #[inline(always)]
    fn slope<const FUSED: bool>(x: f32, value: f32) -> f32 {
        let sigmoid = vector::sigmoid::<FUSED>(x);
        vector::fused::<FUSED>(value, 1.0 - sigmoid, sigmoid)
    }

    fn exact(x: f64) -> f64 {
        x / (1.0 + (-x).exp())
    }

    fn exact_slope(x: f64, value: f64) -> f64 {
        let sigmoid = 1.0 / (1.0 + (-x).exp());
        sigmoid + value * (1.0 - sigmoid)
    }
}

fn activate<A: Activation>(h: &Tensor) -> Result<Tensor> {
    h.contiguous()?.apply_op1(Activate::<A>(PhantomData))
}

struct Activate<A>(PhantomData<A>);
struct Slope<A>(PhantomData<A>);

impl<A: Activation> CustomOp1 for Activate<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        timed(A::NAME, || {
            let shape = layout.shape().clone();
            match x.dtype() {
                DType::F32 => {
                    let x = slice::<f32>(x, layout)?;
                    let write = |at: usize, out: &mut [_]| {
                        vector::run(Values::<A> { x: &x[at..][..out.len()], out, of: PhantomData });
                    };
                    // SAFETY: the loop writes as many values as it is given.
                    Ok((CpuStorage::F32(unsafe { filled(x.len(), write) }), shape))
                }
                DType::F64 => {
                    let x = slice::<f64>(x, layout)?;
                    Ok((CpuStorage::F64(x.iter().map(|x| A::exact(*x)).collect()), shape))
                }
                other => unsupported(A::NAME, other),
            }
        })
    }

    fn bwd(&self, x: &Tensor, value: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        x.contiguous()?.apply_op3_no_bwd(value, &gradient.contiguous()?, &Slope::<A>(PhantomData)).map(Some)
    }
}

impl<A: Activation> CustomOp3 for Slope<A> {
    fn name(&self) -> &'static str {
        A::GRADIENT
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        value: &CpuStorage,
        value_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        timed(A::GRADIENT, || {
            let shape = x_layout.shape().clone();
            match x.dtype() {
                DType::F32 => {
                    let (x, value) = (slice::<f32>(x, x_layout)?, slice(value, value_layout)?);
                    let gradient = slice(gradient, gradient_layout)?;
                    let write = |at: usize, out: &mut [_]| {
                        let part = at..at + out.len();
                        let (x, value, gradient) = (&x[part.clone()], &value[part.clone()], &gradient[part]);
                        vector::run(Slopes::<A> { x, value, gradient, out, of: PhantomData });
                    };
                    // SAFETY: the loop writes as many values as it is given.
                    Ok((CpuStorage::F32(unsafe { filled(x.len(), write) }), shape))
                }
                DType::F64 => {
                    let (x, value) = (slice::<f64>(x, x_layout)?, slice(value, value_layout)?);
                    let each = x.iter().zip(value).zip(slice(gradient, gradient_layout)?);
                    let out = each.map(|((x, value), gradient): (_, &f64)| A::exact_slope(*x, *value) * gradient);
                    Ok((CpuStorage::F64(out.collect()), shape))
                }
                other => unsupported(A::GRADIENT, other),
            }
        })
    }
}

struct Values<'a, A> {
    x: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
    of: PhantomData<A>,
}

impl<A: Activation> Loop for Values<'_, A> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (x, out) in self.x.iter().zip(self.out) {
            out.write(A::value::<FUSED>(*x));
        }
    }
}

struct Slopes<'a, A> {
    x: &'a [f32],
    value: &'a [f32],
    gradient: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
    of: PhantomData<A>,
}

impl<A: Activation> Loop for Slopes<'_, A> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (((x, value), gradient), out) in self.x.iter().zip(self.value).zip(self.gradient).zip(self.out) {
            out.write(A::slope::<FUSED>(*x, *value) * *gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    /// Forward and backward pass against candle's own, on a tensor that is not contiguous.
    fn compare(ours: fn(&Tensor) -> Result<Tensor>, theirs: fn(&Tensor) -> Result<Tensor>, dtype: DType) {
        let x = Tensor::randn(0f32, 3.0, (5, 7, 601), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        let x = Var::from_tensor(&x).unwrap();
        let cotangent = Tensor::randn(0f32, 1.0, (7, 5, 601), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        let both = [ours, theirs].map(|f| {
            let out = f(&x.transpose(0, 1).unwrap()).unwrap();
            let gradients = (&out * &cotangent).unwrap().sum_all().unwrap().backward().unwrap();
            (out, gradients.get(&x).unwrap().clone())
        });
        let far = |a: &Tensor, b: &Tensor| {
            let difference = (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            difference.to_dtype(DType::F64).unwrap().to_scalar::<f64>().unwrap()
        };
        // candle takes exp and subtracts 1, which loses as much as 1 has of an f32.
        let tolerance = if dtype == DType::F32 { 2e-6 } else { 1e-13 };
        assert!(far(&both[0].0, &both[1].0) < tolerance);
        assert!(far(&both[0].1, &both[1].1) < tolerance);
    }

    #[test]
    fn elu_agrees_with_candle() {
        [DType::F32, DType::F64].into_iter().for_each(|dtype| compare(elu, |h| h.elu(1.0), dtype));
    }

    #[test]
    fn silu_agrees_with_candle() {
        [DType::F32, DType::F64].into_iter().for_each(|dtype| compare(silu, Tensor::silu, dtype));
    }
}
