//! Places in the memory of a machine.

use crate::{DType, Result, Tensor};
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
#[cfg(feature = "cuda")]
use candle_core::cuda_backend::CudaStorageSlice;
#[cfg(feature = "cuda")]
use candle_core::cuda_backend::cudarc::driver::{DevicePtr, sys};
use candle_core::{CpuStorage, Layout, Storage, WithDType};

/// An argument of a kernel in memory: contiguous, with the address of its first element.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub address: u64,
    pub dtype: DType,
}

impl Place {
    /// The place `index` elements later.
    pub fn at(self, index: usize) -> Self {
        Self { address: self.address + (index * self.dtype.size_in_bytes()) as u64, ..self }
    }

    /// A missing argument.
    pub const NOWHERE: Self = Self { address: 0, dtype: DType::F32 };
}

/// The address of a tensor, which must outlive every launch that uses the address.
///
/// # Errors
/// A tensor that is not contiguous, or of an unsupported type.
pub fn place(tensor: &Tensor) -> Result<Place> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => host_place(storage, offset(layout)?),
        #[cfg(feature = "cuda")]
        Storage::Cuda(storage) => device_place(storage, offset(layout)?),
        _ => candle_core::bail!("a kernel was given a tensor on a device it does not run on"),
    }
}

/// The start of a contiguous layout.
///
/// # Errors
/// A layout that is not contiguous.
pub fn offset(layout: &Layout) -> Result<usize> {
    match layout.contiguous_offsets() {
        Some((start, _)) => Ok(start),
        None => candle_core::bail!("a kernel was given a tensor that is not contiguous"),
    }
}

/// The address in a storage on the CPU, `offset` elements after its start.
///
/// # Errors
/// An unsupported element type.
pub fn host_place(storage: &CpuStorage, offset: usize) -> Result<Place> {
    fn address<T: WithDType>(storage: &CpuStorage) -> Result<Place> {
        Ok(Place { address: storage.as_slice::<T>()?.as_ptr() as u64, dtype: T::DTYPE })
    }
    let start = match storage {
        CpuStorage::F32(_) => address::<f32>(storage)?,
        CpuStorage::BF16(_) => address::<half::bf16>(storage)?,
        CpuStorage::U8(_) => address::<u8>(storage)?,
        CpuStorage::I32(_) => address::<i32>(storage)?,
        CpuStorage::I64(_) => address::<i64>(storage)?,
        _ => candle_core::bail!("a kernel was given a type of number it is not written for"),
    };
    Ok(start.at(offset))
}

/// The address in a storage on a GPU, `offset` elements after its start.
///
/// # Errors
/// An unsupported element type.
#[cfg(feature = "cuda")]
pub fn device_place(storage: &CudaStorage, offset: usize) -> Result<Place> {
    let stream = storage.device.cuda_stream();
    let (address, dtype): (sys::CUdeviceptr, DType) = match &storage.slice {
        CudaStorageSlice::F32(slice) => (slice.device_ptr(&stream).0, DType::F32),
        CudaStorageSlice::BF16(slice) => (slice.device_ptr(&stream).0, DType::BF16),
        CudaStorageSlice::U8(slice) => (slice.device_ptr(&stream).0, DType::U8),
        CudaStorageSlice::I32(slice) => (slice.device_ptr(&stream).0, DType::I32),
        CudaStorageSlice::I64(slice) => (slice.device_ptr(&stream).0, DType::I64),
        _ => candle_core::bail!("a kernel was given a type of number it is not written for"),
    };
    Ok(Place { address, dtype }.at(offset))
}
