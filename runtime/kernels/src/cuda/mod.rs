//! The operations on a GPU, with our own kernels for everything but GEMMs.
//!
//! Every function here computes the same as its namesake in [`crate`], which calls it for tensors that [`takes`]
//! accepts. Launch parameters are computed here and executed through the backend trait [`machine::Machine`]: a GPU, or
//! in tests the CPU with the same kernels.

mod backend;
mod call;
mod conv;
mod coupling;
#[cfg(feature = "cuda")]
mod cudnn;
#[cfg(feature = "cuda")]
mod gpu;
pub mod graph;
pub mod image;
pub mod kernels;
mod layers;
#[cfg(feature = "cuda")]
mod libraries;
mod library;
pub mod machine;
mod mixture;
pub mod noise;
mod normal;
#[cfg(feature = "cuda")]
mod nvrtc;
mod op;
pub mod optimiser;
mod place;
pub mod probe;
mod scalar;

pub use crate::geometry::Geometry;
pub use conv::{conv_transpose2d, conv2d};
pub use coupling::{coupling, coupling_context, coupling_log_det};
pub use layers::{channel_attention, dense_layer, weight_norm};
pub use machine::{Backend, Precision, imitate, takes, takes_activations};
pub use mixture::{logistic_mixture_log_prob, logistic_mixture_value};
pub use normal::{half, normal_draw, normal_kl, normal_log_prob, standard_normal_log_prob, sum_batch};
pub use scalar::scalar;

use crate::{DType, Result, Tensor};
use std::sync::atomic::{AtomicU8, Ordering};

/// Converts the input of a network of convolutions to bf16 at the precision bf16 on a GPU, so that activations remain
/// bf16 between layers. Otherwise returns the tensor unchanged.
///
/// # Errors
/// A failed tensor operation.
pub fn narrowed(x: &Tensor) -> Result<Tensor> {
    if precision() == Precision::Bf16 && takes(x) { x.to_dtype(DType::BF16) } else { Ok(x.clone()) }
}

/// Converts the output of such a network back: see [`narrowed`].
///
/// # Errors
/// A failed tensor operation.
pub fn widened(x: &Tensor) -> Result<Tensor> {
    if x.dtype() == DType::BF16 && takes_activations(x) { x.to_dtype(DType::F32) } else { Ok(x.clone()) }
}

static PRECISION: AtomicU8 = AtomicU8::new(0);

/// Sets the number format of GEMMs.
pub fn set_precision(precision: Precision) {
    // candle's own GEMMs, in linear layers, use the same format.
    candle_core::cuda::set_gemm_reduced_precision_f32(precision == Precision::Tf32);
    PRECISION.store(precision as u8, Ordering::Relaxed);
}

/// The current format, initially f32. See [`set_precision`].
pub fn precision() -> Precision {
    match PRECISION.load(Ordering::Relaxed) {
        1 => Precision::Tf32,
        2 => Precision::Bf16,
        _ => Precision::F32,
    }
}
