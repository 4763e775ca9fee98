//! Scalar functions of every element of a tensor.

mod add;

use crate::cpu::{filled, slice, unsupported};
use crate::cuda::{self, Backend};
use crate::profile::timed;
use crate::scalar::{Elu, Lane, Scalar, Sigmoid, Softplus, Whole, cuda_text, declare};
use crate::vector::{self, Loop};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Error, Layout, Shape};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

pub use add::add;

/// The function of every element.
///
/// # Errors
/// A failed tensor operation.
pub fn apply<S: Scalar>(x: &Tensor) -> Result<Tensor> {
    match Backend::of(x) {
        Backend::Cuda => {
            declare(S::NAME, cuda_text::<S>);
            cuda::scalar::<S>(x)
        }
        Backend::Host => crate::tape::op1(&x.contiguous()?, Apply::<S>(PhantomData)),
        Backend::Candle => S::value(Whole::of(x)).0.map_err(Error::Msg),
    }
}

/// See [`Elu`].
///
/// # Errors
/// A failed tensor operation.
pub fn elu(x: &Tensor) -> Result<Tensor> {
    apply::<Elu>(x)
}

/// See [`Softplus`].
///
/// # Errors
/// A failed tensor operation.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    apply::<Softplus>(x)
}

/// See [`Sigmoid`].
///
/// # Errors
/// A failed tensor operation.
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    apply::<Sigmoid>(x)
}

struct Apply<S>(PhantomData<S>);
struct Slope<S>(PhantomData<S>);

impl<S: Scalar> CustomOp1 for Apply<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        timed(S::NAME, || {
            let shape = layout.shape().clone();
            match x.dtype() {
                DType::F32 => {
                    let x = slice::<f32>(x, layout)?;
                    let write = |at: usize, out: &mut [_]| {
                        vector::run(Values::<S> { x: &x[at..][..out.len()], out, of: PhantomData });
                    };
                    // SAFETY: the loop writes all given values.
                    Ok((CpuStorage::F32(unsafe { filled(x.len(), write) }), shape))
                }
                DType::F64 => {
                    let x = slice::<f64>(x, layout)?;
                    Ok((CpuStorage::F64(x.iter().map(|x| S::value(*x)).collect()), shape))
                }
                other => unsupported(S::NAME, other),
            }
        })
    }

    fn bwd(&self, x: &Tensor, value: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        x.contiguous()?.apply_op3_no_bwd(value, &gradient.contiguous()?, &Slope::<S>(PhantomData)).map(Some)
    }
}

impl<S: Scalar> CustomOp3 for Slope<S> {
    fn name(&self) -> &'static str {
        S::NAME
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
        timed(S::NAME, || {
            let shape = x_layout.shape().clone();
            match x.dtype() {
                DType::F32 => {
                    let (x, value) = (slice::<f32>(x, x_layout)?, slice(value, value_layout)?);
                    let gradient = slice(gradient, gradient_layout)?;
                    let write = |at: usize, out: &mut [_]| {
                        let part = at..at + out.len();
                        let (x, value, gradient) = (&x[part.clone()], &value[part.clone()], &gradient[part]);
                        vector::run(Slopes::<S> { x, value, gradient, out, of: PhantomData });
                    };
                    // SAFETY: the loop writes all given values.
                    Ok((CpuStorage::F32(unsafe { filled(x.len(), write) }), shape))
                }
                DType::F64 => {
                    let (x, value) = (slice::<f64>(x, x_layout)?, slice(value, value_layout)?);
                    let each = x.iter().zip(value).zip(slice(gradient, gradient_layout)?);
                    let out = each.map(|((x, value), gradient): (_, &f64)| S::slope(*x, *value) * gradient);
                    Ok((CpuStorage::F64(out.collect()), shape))
                }
                other => unsupported(S::NAME, other),
            }
        })
    }
}

struct Values<'a, S> {
    x: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
    of: PhantomData<S>,
}

impl<S: Scalar> Loop for Values<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (x, out) in self.x.iter().zip(self.out) {
            out.write(S::value(Lane::<FUSED>(*x)).0);
        }
    }
}

struct Slopes<'a, S> {
    x: &'a [f32],
    value: &'a [f32],
    gradient: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
    of: PhantomData<S>,
}

impl<S: Scalar> Loop for Slopes<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (((x, value), gradient), out) in self.x.iter().zip(self.value).zip(self.gradient).zip(self.out) {
            out.write(S::slope(Lane::<FUSED>(*x), Lane::<FUSED>(*value)).0 * *gradient);
        }
    }
}

#[cfg(test)]
mod tests;
