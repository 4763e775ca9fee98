//! Convolutions by cuDNN: its three passes, each planned once per shape.

mod choose;

use super::Geometry;
use super::machine::{Convolution, Pass, Place, Precision};
use crate::notice::note;
use crate::{DType, Result};
use candle_core::cuda_backend::cudarc::cudnn::{CudnnError, result, sys};
use candle_core::cuda_backend::cudarc::driver::{CudaStream, DevicePtr};
use candle_core::{CudaDevice, Error};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, PoisonError};

/// The library, and the plans made so far.
pub struct Cudnn {
    handle: sys::cudnnHandle_t,
    plans: Mutex<HashMap<Key, Option<Plan>>>,
}

// SAFETY: the handle and the descriptors are used under the lock of `plans` alone.
unsafe impl Send for Cudnn {}
// SAFETY: as above.
unsafe impl Sync for Cudnn {}

/// The key of a plan.
type Key = (Pass, Geometry, Precision, DType);

/// The descriptors of a convolution, and the algorithm of its pass.
struct Plan {
    x: sys::cudnnTensorDescriptor_t,
    y: sys::cudnnTensorDescriptor_t,
    weight: sys::cudnnFilterDescriptor_t,
    convolution: sys::cudnnConvolutionDescriptor_t,
    algorithm: Algorithm,
    workspace: usize,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Forward(sys::cudnnConvolutionFwdAlgo_t),
    Input(sys::cudnnConvolutionBwdDataAlgo_t),
    Weight(sys::cudnnConvolutionBwdFilterAlgo_t),
}

impl Cudnn {
    /// `None` without the library or with `SRVAE_CUDNN=0`; the operations then use im2col.
    ///
    /// # Errors
    /// A library that is present and fails to start.
    pub fn open(stream: &Arc<CudaStream>) -> Result<Option<Self>> {
        let forbidden = std::env::var_os("SRVAE_CUDNN").is_some_and(|value| value == "0");
        if forbidden || !super::libraries::CUDNN.is_there() {
            return Ok(None);
        }
        let handle = result::create_handle().map_err(explain)?;
        // SAFETY: handle and stream are alive; the device keeps the stream.
        unsafe { result::set_stream(handle, stream.cu_stream().cast()) }.map_err(explain)?;
        Ok(Some(Self { handle, plans: Mutex::default() }))
    }

    /// Launches a pass. Returns false if cuDNN has no algorithm for it, or fails with the planned one.
    ///
    /// # Errors
    /// Infallible; returns `Result` for a uniform signature.
    pub fn run(&self, device: &CudaDevice, convolution: &Convolution) -> Result<bool> {
        let key = (convolution.pass, convolution.geometry, convolution.precision, convolution.x.dtype);
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let instead = |reason: &Error| {
            note(&format!("{reason} ({:?} of {:?}); products over patches take its place", key.0, key.1));
        };
        let plan =
            plans.entry(key).or_insert_with(|| Plan::new(self.handle, device, convolution).inspect_err(instead).ok());
        let Some(ready) = plan else { return Ok(false) };
        if let Err(reason) = ready.start(self.handle, device, convolution) {
            instead(&reason);
            *plan = None;
            return Ok(false);
        }
        Ok(true)
    }
}

impl Plan {
    /// A new plan, made once per shape.
    fn new(handle: sys::cudnnHandle_t, device: &CudaDevice, convolution: &Convolution) -> Result<Self> {
        let (kind, math) = match (convolution.x.dtype, convolution.precision) {
            (DType::BF16, _) => (sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16, sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH),
            (_, Precision::Tf32) => (sys::cudnnDataType_t::CUDNN_DATA_FLOAT, sys::cudnnMathType_t::CUDNN_DEFAULT_MATH),
            // The default would send f32 numbers through the tensor cores as TF32.
            _ => (sys::cudnnDataType_t::CUDNN_DATA_FLOAT, sys::cudnnMathType_t::CUDNN_FMA_MATH),
        };
        let mut plan = Self::describe(&convolution.geometry, kind, math).map_err(explain)?;
        plan.choose(handle, device, convolution)?;
        Ok(plan)
    }

    fn describe(
        g: &Geometry,
        kind: sys::cudnnDataType_t,
        math: sys::cudnnMathType_t,
    ) -> std::result::Result<Self, CudnnError> {
        let layout = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW;
        let (padding, stride) = (g.padding as c_int, g.stride as c_int);
        let tensor = |dims: [usize; 4]| -> std::result::Result<_, CudnnError> {
            let descriptor = result::create_tensor_descriptor()?;
            // SAFETY: the descriptor was just created.
            unsafe { result::set_tensor4d_descriptor(descriptor, layout, kind, dims.map(|size| size as c_int)) }?;
            Ok(descriptor)
        };
        let plan = Self {
            x: tensor([g.batch, g.channels, g.height, g.width])?,
            y: tensor([g.batch, g.filters, g.out_height, g.out_width])?,
            weight: result::create_filter_descriptor()?,
            convolution: result::create_convolution_descriptor()?,
            algorithm: Algorithm::Forward(sys::cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM),
            workspace: 0,
        };
        let dims = [g.filters, g.channels, g.kernel, g.kernel].map(|size| size as c_int);
        // SAFETY: the descriptors were just created. Sums are of f32 for bf16 too.
        unsafe {
            result::set_filter4d_descriptor(plan.weight, kind, layout, dims)?;
            result::set_convolution2d_descriptor(
                plan.convolution,
                padding,
                padding,
                stride,
                stride,
                1,
                1,
                sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION,
                sys::cudnnDataType_t::CUDNN_DATA_FLOAT,
            )?;
            result::set_convolution_math_type(plan.convolution, math)?;
        }
        Ok(plan)
    }

    fn start(&self, handle: sys::cudnnHandle_t, device: &CudaDevice, convolution: &Convolution) -> Result<()> {
        // SAFETY: what is in the workspace before does not matter.
        let workspace = unsafe { device.alloc::<u8>(self.workspace.max(1)) }?;
        self.launch(handle, workspace.device_ptr(&device.cuda_stream()).0 as *mut c_void, convolution)
    }

    /// `room` has at least the plan's workspace.
    fn launch(&self, handle: sys::cudnnHandle_t, room: *mut c_void, convolution: &Convolution) -> Result<()> {
        let (one, zero) = (1f32, 0f32);
        let (one, zero) = ((&raw const one).cast::<c_void>(), (&raw const zero).cast::<c_void>());
        let at = |place: Place| place.address as *mut c_void;
        let (x, weight, y) = (at(convolution.x), at(convolution.weight), at(convolution.y));
        // SAFETY: the places are of live tensors of the described shapes; the workspace is as large as was asked for, and is
        // freed after the pass, in the stream's order.
        let outcome = unsafe {
            match self.algorithm {
                Algorithm::Forward(algorithm) => result::convolution_forward(
                    handle,
                    one,
                    self.x,
                    x,
                    self.weight,
                    weight,
                    self.convolution,
                    algorithm,
                    room,
                    self.workspace,
                    zero,
                    self.y,
                    y,
                ),
                Algorithm::Input(algorithm) => result::convolution_backward_data(
                    handle,
                    one,
                    self.weight,
                    weight,
                    self.y,
                    y,
                    self.convolution,
                    algorithm,
                    room,
                    self.workspace,
                    zero,
                    self.x,
                    x,
                ),
                Algorithm::Weight(algorithm) => result::convolution_backward_filter(
                    handle,
                    one,
                    self.x,
                    x,
                    self.y,
                    y,
                    self.convolution,
                    algorithm,
                    room,
                    self.workspace,
                    zero,
                    self.weight,
                    weight,
                ),
            }
        };
        outcome.map_err(explain)
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: the plan owns its descriptors, and nothing uses them after it.
        unsafe {
            result::destroy_tensor_descriptor(self.x).ok();
            result::destroy_tensor_descriptor(self.y).ok();
            result::destroy_filter_descriptor(self.weight).ok();
            result::destroy_convolution_descriptor(self.convolution).ok();
        }
    }
}

impl Drop for Cudnn {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own.
        unsafe { result::destroy_handle(self.handle) }.ok();
    }
}

fn explain(error: CudnnError) -> Error {
    Error::Msg(format!("cuDNN: {error:?}"))
}
