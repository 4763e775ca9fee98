//! The machine of a tensor: see [`Machine`].
//!
//! The GPU is one machine. The tests have another, which runs the same kernels on the CPU, so that everything but the
//! calls into NVIDIA's libraries is tested on machines without a GPU.

pub use super::backend::{Buffer, Machine};
pub use super::call::{Argument, Call, of_type};
pub use super::library::{Convolution, Gemm, Matrix, Pass, Precision, Product};
pub use super::place::{Place, place};

use crate::{DType, Device, Result, Tensor};
use std::sync::OnceLock;

static IMITATION: OnceLock<Box<dyn Machine>> = OnceLock::new();

/// Makes this process run the operations of this folder on CPU tensors too, with `machine`, for tests. Only the first
/// call has an effect.
pub fn imitate(machine: Box<dyn Machine>) {
    IMITATION.set(machine).ok();
}

/// The bodies that an operation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Our kernels on a GPU, or its imitation: see [`takes`].
    Cuda,
    /// Our kernels on the CPU.
    Host,
    /// candle's operations, on any other device and for any other type of number.
    Candle,
}

impl Backend {
    /// Which of them computes an operation on this tensor.
    pub fn of(tensor: &Tensor) -> Self {
        match tensor.device() {
            _ if takes(tensor) => Self::Cuda,
            Device::Cpu => Self::Host,
            _ => Self::Candle,
        }
    }

    /// The same of an operation on activations: see [`takes_activations`].
    pub fn of_activations(tensor: &Tensor) -> Self {
        if takes_activations(tensor) { Self::Cuda } else { Self::of(tensor) }
    }
}

/// Whether the operations of this folder support this tensor: f32 on a GPU.
pub fn takes(tensor: &Tensor) -> bool {
    tensor.dtype() == DType::F32 && has_machine(tensor.device())
}

/// As [`takes`]; for activations at the precision bf16, bf16 tensors too.
pub fn takes_activations(tensor: &Tensor) -> bool {
    takes(tensor)
        || tensor.dtype() == DType::BF16 && super::precision() == Precision::Bf16 && has_machine(tensor.device())
}

fn has_machine(device: &Device) -> bool {
    cfg!(feature = "cuda") && device.is_cuda() || IMITATION.get().is_some() && device.is_cpu()
}

/// The machine that runs operations on CPU tensors.
///
/// # Errors
/// None was set.
pub(super) fn imitation() -> Result<&'static dyn Machine> {
    match IMITATION.get() {
        Some(machine) => Ok(machine.as_ref()),
        None => candle_core::bail!("an operation for GPUs was asked of the CPU"),
    }
}

/// Runs `work` with the machine of a tensor.
///
/// # Errors
/// Those of `work`, or a tensor on a device without a machine.
pub fn with_machine<R>(tensor: &Tensor, work: impl FnOnce(&dyn Machine) -> Result<R>) -> Result<R> {
    on_machine(tensor.device(), work)
}

/// Runs `work` with the machine of a device.
///
/// # Errors
/// Those of `work`, or a device without a machine.
pub fn on_machine<R>(device: &Device, work: impl FnOnce(&dyn Machine) -> Result<R>) -> Result<R> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => work(&*super::gpu::Gpu::of(device)?),
        _ => work(imitation()?),
    }
}
