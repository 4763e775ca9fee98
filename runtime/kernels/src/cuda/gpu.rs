//! A GPU: our kernels compiled for it, and NVIDIA's libraries for GEMMs and convolutions.
//!
//! All work is issued to one stream, whichever thread issues it. Memory is allocated and freed in stream order too, so
//! an address remains valid for everything that was launched while its tensor existed.

use super::backend::{Buffer, Machine};
use super::call::{Argument, Call, Table};
use super::cudnn::Cudnn;
use super::library::{Convolution, Precision, Product};
use super::place::Place;
use super::{kernels, nvrtc};
use crate::{DType, Result};
use candle_core::cuda_backend::cudarc::cublas::{CudaBlas, result, sys};
use candle_core::cuda_backend::cudarc::driver::{CudaFunction, CudaModule, DeviceRepr, LaunchConfig};
use candle_core::cuda_backend::cudarc::driver::{PushKernelArg, sys as driver};
use candle_core::cuda_backend::{CudaStorageSlice, DeviceId};
use candle_core::{CudaDevice, CudaStorage, Error};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, PoisonError};

/// One GPU as the operations see it.
pub struct Gpu {
    device: CudaDevice,
    module: Arc<CudaModule>,
    functions: Mutex<HashMap<String, CudaFunction>>,
    blas: Arc<CudaBlas>,
    cudnn: Option<Cudnn>,
}

// SAFETY: the tables of a kernel's launch are plain numbers, laid out as the kernel declares them.
unsafe impl DeviceRepr for Table {}

static GPUS: Mutex<Vec<(DeviceId, Arc<Gpu>)>> = Mutex::new(Vec::new());

impl Gpu {
    /// The backend of candle's device; at the first call the kernels are compiled or read from the cache.
    ///
    /// # Errors
    /// Kernels that do not compile or load.
    pub fn of(device: &CudaDevice) -> Result<Arc<Self>> {
        let mut known = GPUS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, gpu)) = known.iter().find(|(id, _)| *id == device.id()) {
            return Ok(gpu.clone());
        }
        let stream = device.cuda_stream();
        let context = stream.context();
        let module = nvrtc::module(context, &kernels::source())?;
        let gpu = Arc::new(Self {
            device: device.clone(),
            module,
            functions: Mutex::default(),
            blas: device.cublas_handle(),
            cudnn: Cudnn::open(&stream)?,
        });
        known.push((device.id(), gpu.clone()));
        Ok(gpu)
    }

    /// Its name, the bytes of its memory, and whether convolutions go through cuDNN.
    ///
    /// # Errors
    /// A driver error.
    pub fn describe(&self) -> Result<(String, usize, bool)> {
        let stream = self.device.cuda_stream();
        let context = stream.context();
        let memory = context.total_mem().map_err(Error::wrap)?;
        Ok((context.name().map_err(Error::wrap)?, memory, self.cudnn.is_some()))
    }

    fn function(&self, name: &str) -> Result<CudaFunction> {
        let mut known = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = known.get(name) {
            return Ok(function.clone());
        }
        let function = match (self.module.load_function(name), crate::scalar::declared(name)) {
            (Ok(function), _) => function,
            // A scalar function from outside of this crate has a separate module.
            (Err(_), Some(text)) => {
                let stream = self.device.cuda_stream();
                let module = nvrtc::module(stream.context(), &kernels::with_common(&text))?;
                module.load_function(name).map_err(Error::wrap)?
            }
            (Err(error), None) => return Err(Error::wrap(error)),
        };
        known.insert(name.to_owned(), function.clone());
        Ok(function)
    }
}

/// Prepares a new candle device for the use of a single stream.
///
/// # Errors
/// A driver error.
pub fn prepare(device: &CudaDevice) -> Result<()> {
    // SAFETY: events order streams against one another, and there is one stream. Without them a buffer needs two driver
    // calls less.
    unsafe { device.disable_event_tracking() };
    let stream = device.cuda_stream();
    let context = stream.context();
    if !context.has_async_alloc() {
        return Ok(());
    }
    // Freed memory is kept for the next step; by default the driver returns it to the system at each synchronisation.
    let (mut pool, mut all) = (std::ptr::null_mut(), u64::MAX);
    let threshold = driver::CUmemPool_attribute_enum::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the device is the context's; the attribute is a number of 64 bits.
    unsafe {
        driver::cuDeviceGetDefaultMemPool(&raw mut pool, context.cu_device()).result().map_err(Error::wrap)?;
        driver::cuMemPoolSetAttribute(pool, threshold, (&raw mut all).cast()).result().map_err(Error::wrap)
    }
}

impl Machine for Gpu {
    fn alloc(&self, dtype: DType, count: usize) -> Result<Buffer> {
        // An empty buffer would have no address, so one element is allocated.
        let count = count.max(1);
        // SAFETY: whoever asks for a buffer starts the kernel that fills it.
        let slice = unsafe {
            match dtype {
                DType::F32 => CudaStorageSlice::F32(self.device.alloc(count)?),
                DType::BF16 => CudaStorageSlice::BF16(self.device.alloc(count)?),
                DType::U8 => CudaStorageSlice::U8(self.device.alloc(count)?),
                other => candle_core::bail!("no kernel makes {other:?}"),
            }
        };
        Ok(Buffer::Device(CudaStorage { slice, device: self.device.clone() }))
    }

    fn launch(&self, call: &Call) -> Result<()> {
        let function = self.function(&call.kernel)?;
        let stream = self.device.cuda_stream();
        let mut builder = stream.launch_builder(&function);
        for argument in &call.arguments {
            match argument {
                Argument::Pointer(value) | Argument::Long(value) => builder.arg(value),
                Argument::Int(value) => builder.arg(value),
                Argument::Real(value) => builder.arg(value),
                Argument::Table(table) => builder.arg(&**table),
            };
        }
        let (across, down) = call.grid;
        if across == 0 || down == 0 {
            return Ok(());
        }
        let config = LaunchConfig { grid_dim: (across, down, 1), block_dim: (call.block, 1, 1), shared_mem_bytes: 0 };
        // SAFETY: the tests launch every kernel with arguments made by the same code, and check their number and sizes.
        unsafe { builder.launch(config) }.map_err(|error| Error::Msg(format!("{}: {error}", call.kernel)))?;
        Ok(())
    }

    fn product(&self, product: &Product) -> Result<()> {
        let gemm = product.gemm();
        let [(a, turned_a, lda, stride_a), (b, turned_b, ldb, stride_b)] = gemm.factors;
        let [m, n, k] = gemm.sizes.map(|size| size as c_int);
        let (one, before) = (1f32, if product.add { 1f32 } else { 0f32 });
        // SAFETY: the places are of live tensors with as many elements as the sizes and strides say; scalars are on the
        // host, as the handle expects.
        let outcome = unsafe {
            result::gemm_strided_batched_ex(
                *self.blas.handle(),
                operation(turned_a),
                operation(turned_b),
                m,
                n,
                k,
                (&raw const one).cast(),
                a.address as *const c_void,
                kind(a)?,
                lda as c_int,
                stride_a as i64,
                b.address as *const c_void,
                kind(b)?,
                ldb as c_int,
                stride_b as i64,
                (&raw const before).cast(),
                product.out.address as *mut c_void,
                kind(product.out)?,
                m,
                product.out_stride as i64,
                product.batch as c_int,
                compute(product.precision),
                sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        };
        outcome.map_err(|error| Error::Msg(format!("cuBLAS, {product:?}: {error:?}")))
    }

    fn convolution(&self, convolution: &Convolution) -> Result<bool> {
        match &self.cudnn {
            Some(cudnn) => cudnn.run(&self.device, convolution),
            None => Ok(false),
        }
    }
}

fn operation(transposed: bool) -> sys::cublasOperation_t {
    if transposed { sys::cublasOperation_t::CUBLAS_OP_T } else { sys::cublasOperation_t::CUBLAS_OP_N }
}

fn kind(place: Place) -> Result<sys::cudaDataType> {
    match place.dtype {
        DType::F32 => Ok(sys::cudaDataType_t::CUDA_R_32F),
        DType::BF16 => Ok(sys::cudaDataType_t::CUDA_R_16BF),
        other => candle_core::bail!("products of {other:?} are not written"),
    }
}

/// The type of sums for f32 numbers; for bf16 numbers all types are the same.
fn compute(precision: Precision) -> sys::cublasComputeType_t {
    match precision {
        Precision::Tf32 => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
        Precision::F32 | Precision::Bf16 => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
    }
}
