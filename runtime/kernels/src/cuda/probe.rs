//! Detects a usable GPU, with checks before any call that would end the program without one.

use crate::Device;

/// A usable GPU.
#[derive(Debug, Clone)]
pub struct Found {
    pub device: Device,
    /// The driver's name for it.
    pub name: String,
    /// The size of its memory in bytes.
    pub memory: usize,
    /// Whether convolutions go through cuDNN.
    pub cudnn: bool,
}

/// The first GPU, with its kernels ready.
///
/// # Errors
/// The reason why there is none, as half a sentence.
#[cfg(not(feature = "cuda"))]
pub fn first() -> Result<Found, String> {
    Err("this program was built without CUDA (cargo's feature `cuda`: docs/gpu.md)".into())
}

#[cfg(feature = "cuda")]
pub use present::first;

#[cfg(feature = "cuda")]
mod present {
    use super::Found;
    use crate::Device;
    use crate::cuda::gpu::{Gpu, prepare};
    use crate::cuda::libraries::NEEDED;
    use std::sync::OnceLock;

    /// See [`super::first`] for programs without CUDA. The result is cached: all tensors of a process are on one
    /// device, and its work is on one stream.
    ///
    /// # Errors
    /// The reason why there is none, as half a sentence.
    pub fn first() -> Result<Found, String> {
        static FOUND: OnceLock<Result<Found, String>> = OnceLock::new();
        FOUND.get_or_init(look).clone()
    }

    fn look() -> Result<Found, String> {
        if let Some(missing) = NEEDED.iter().find(|needed| !needed.is_there()) {
            let name = missing.names[missing.names.len().min(2) - 1];
            return Err(format!("{} is missing: cannot open {name}, LD_LIBRARY_PATH included", missing.what));
        }
        quietly(open).unwrap_or_else(|| Err("NVIDIA's libraries lack a function; are they older than CUDA 13?".into()))
    }

    fn open() -> Result<Found, String> {
        // `new_cuda` would give every thread a separate stream, without an order between them.
        let device = Device::new_cuda_with_stream(0);
        let device = device.map_err(|reason| format!("no GPU answers: {}", first_line(&reason)))?;
        let Device::Cuda(cuda) = &device else { return Err("no GPU answers".into()) };
        prepare(cuda).map_err(|reason| format!("the GPU's memory: {}", first_line(&reason)))?;
        let gpu = Gpu::of(cuda).map_err(|reason| reason.to_string())?;
        let (name, memory, cudnn) = gpu.describe().map_err(|reason| reason.to_string())?;
        Ok(Found { device, name, memory, cudnn })
    }

    /// Runs `work` without printing a panic: a function missing in a library causes one.
    fn quietly<T>(work: impl FnOnce() -> T + std::panic::UnwindSafe) -> Option<T> {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        let outcome = std::panic::catch_unwind(work);
        std::panic::set_hook(hook);
        outcome.ok()
    }

    /// Tensor errors have a backtrace after their first line if one was requested.
    fn first_line(error: &candle_core::Error) -> String {
        error.to_string().lines().next().unwrap_or_default().to_owned()
    }
}
