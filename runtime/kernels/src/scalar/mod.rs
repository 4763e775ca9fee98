//! Scalar functions. Each is written once, with its derivative, and runs as vector code on the CPU, in f64, as a CUDA
//! kernel, and with candle's operations everywhere else.

mod functions;
mod number;
mod text;
mod whole;

pub use functions::{Elu, Sigmoid, Softplus};
pub use number::{Lane, Number};
pub use text::Text;
pub use whole::Whole;

use crate::cpu::{filled, slice, unsupported};
use crate::cuda::{self, Backend};
use crate::profile::timed;
use crate::vector::{self, Loop};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Error, Layout, Shape};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

/// A function of a number, and its derivative as a function of the number and the value. Both must be
/// `#[inline(always)]`.
pub trait Scalar: Send + Sync + 'static {
    /// An identifier for the names of its kernels.
    const NAME: &'static str;

    fn value<N: Number>(x: N) -> N;
    fn slope<N: Number>(x: N, value: N) -> N;
}

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

/// The device functions `NAME_of(x)` and `NAME_slope(x, value)` in CUDA C.
pub fn cuda_functions<S: Scalar>() -> String {
    let (name, x, value) = (S::NAME, Text("x".into()), Text("value".into()));
    let (of, slope) = (S::value(x.clone()).0, S::slope(x, value).0);
    format!(
        "__device__ inline float {name}_of(float x) {{\n    return {of};\n}}\n\n\
         __device__ inline float {name}_slope(float x, float value) {{\n    return {slope};\n}}\n\n"
    )
}

/// The kernels of the function in CUDA C, forward and backward, for both element types.
pub fn cuda_kernels<S: Scalar>() -> String {
    let name = S::NAME;
    let kernels = ["float", "bf16"].map(|of| {
        let suffix = if of == "float" { "f32" } else { of };
        format!(
            "KERNEL({name}_{suffix}, (const {of}* x, {of}* out, u32 count),\n       \
             EACH(i, count) store(out, i, {name}_of(load(x, i))))\n\
             KERNEL({name}_backward_{suffix}, (const {of}* x, const {of}* value, const {of}* gradient, {of}* out, u32 count),\n       \
             EACH(i, count) store(out, i, load(gradient, i) * {name}_slope(load(x, i), load(value, i))))\n"
        )
    });
    kernels.concat()
}

/// The kernel source of a function outside of this crate.
pub fn cuda_text<S: Scalar>() -> String {
    cuda_functions::<S>() + &cuda_kernels::<S>()
}

/// Texts of kernels by the names of their functions.
type Texts = BTreeMap<&'static str, fn() -> String>;

static DECLARED: Mutex<Texts> = Mutex::new(BTreeMap::new());

/// Registers a function's kernels, before they are launched.
pub fn declare(name: &'static str, text: fn() -> String) {
    DECLARED.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert(text);
}

/// The text of a kernel's function, if it was registered.
#[cfg(feature = "cuda")]
pub(crate) fn declared(kernel: &str) -> Option<String> {
    let declared = DECLARED.lock().unwrap_or_else(PoisonError::into_inner);
    let name = kernel.rsplit_once('_')?.0;
    declared.get(name.strip_suffix("_backward").unwrap_or(name)).map(|text| text())
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
