//! The backend trait of the operations in this folder: allocates buffers and runs kernels.

use super::call::Call;
use super::library::{Convolution, Product};
#[cfg(feature = "cuda")]
use super::place::device_place;
use super::place::{Place, host_place};
use crate::{DType, Result, Tensor};
use candle_core::{CpuStorage, Shape, Storage};

/// Runs kernels on buffers, one after the other.
pub trait Machine: Send + Sync {
    /// An uninitialised buffer.
    ///
    /// # Errors
    /// No memory, or an unsupported element type.
    fn alloc(&self, dtype: DType, count: usize) -> Result<Buffer>;

    /// Starts a kernel.
    ///
    /// # Errors
    /// An unknown kernel, or a launch that is refused.
    fn launch(&self, call: &Call) -> Result<()>;

    /// Starts a GEMM.
    ///
    /// # Errors
    /// A product that the library refuses.
    fn product(&self, product: &Product) -> Result<()>;

    /// Starts a convolution by a library. Returns false if none supports it.
    ///
    /// # Errors
    /// A convolution that the library refuses.
    fn convolution(&self, convolution: &Convolution) -> Result<bool>;

    /// The limit of the workspace for patches of a part of a batch, in elements. For sums over parts of a batch it is
    /// an eighth of this.
    fn patch_room(&self) -> usize {
        1 << 26
    }
}

/// Memory of a machine, freed with the last of its tensors.
#[derive(Debug)]
pub enum Buffer {
    Host(CpuStorage),
    #[cfg(feature = "cuda")]
    Device(candle_core::CudaStorage),
}

impl Buffer {
    /// # Errors
    /// An unsupported element type.
    pub fn place(&self) -> Result<Place> {
        match self {
            Self::Host(storage) => host_place(storage, 0),
            #[cfg(feature = "cuda")]
            Self::Device(storage) => device_place(storage, 0),
        }
    }

    /// The buffer as a tensor without a gradient graph.
    ///
    /// # Errors
    /// Infallible for a shape of the buffer's size.
    pub fn tensor(self, shape: impl Into<Shape>) -> Result<Tensor> {
        let storage = match self {
            Self::Host(storage) => Storage::Cpu(storage),
            #[cfg(feature = "cuda")]
            Self::Device(storage) => Storage::Cuda(storage),
        };
        Ok(Tensor::from_storage(storage, shape, candle_core::op::BackpropOp::none(), false))
    }
}
