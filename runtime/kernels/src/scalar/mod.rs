//! Scalar functions. Each is written once, with its derivative, and runs as vector code on the CPU, in f64, as a CUDA
//! kernel, and with candle's operations everywhere else: see [`crate::elementwise`].

mod functions;
mod number;
mod text;
mod whole;

pub use functions::{Elu, Sigmoid, Softplus};
pub use number::{Lane, Number};
pub use text::Text;
pub use whole::Whole;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A function of a number, and its derivative as a function of the number and the value. Both must be
/// `#[inline(always)]`.
pub trait Scalar: Send + Sync + 'static {
    /// An identifier for the names of its kernels.
    const NAME: &'static str;

    fn value<N: Number>(x: N) -> N;
    fn slope<N: Number>(x: N, value: N) -> N;
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
