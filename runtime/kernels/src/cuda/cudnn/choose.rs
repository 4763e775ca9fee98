//! Chooses the algorithm of a pass by timing those of cuDNN.
//!
//! cuDNN's own timing waits for the GPU after each launch, so it includes the host, and prefers algorithms with few
//! launches over fast ones. Here several passes are recorded as a CUDA graph and timed as a whole.

use super::super::graph::captured;
use super::super::machine::{Convolution, Pass, Place, Precision};
use super::{Algorithm, Plan, explain};
use crate::{DType, Result};
use candle_core::CudaDevice;
use candle_core::cuda_backend::cudarc::cudnn::{CudnnError, result, sys};
use candle_core::cuda_backend::cudarc::driver::{CudaStream, DevicePtr, sys as driver};
use std::ffi::{c_int, c_void};
use std::sync::Arc;

/// The maximum workspace of an algorithm: 512 MB.
const WORKSPACE: usize = 1 << 29;
/// An upper bound of the number of algorithms of a pass.
const MOST: usize = 16;
/// The number of algorithms to time, in cuDNN's order.
const TIMED: usize = 8;
/// The maximum time of a deterministic algorithm, relative to the fastest.
const REPEATING: f32 = 1.25;
/// The number of passes in a measurement.
const PASSES: usize = 8;

/// An algorithm of a pass.
struct Choice {
    algorithm: Algorithm,
    workspace: usize,
    math: sys::cudnnMathType_t,
    /// Whether it is deterministic (adds in a fixed order).
    repeats: bool,
}

impl Plan {
    /// Chooses the fastest algorithm within the workspace limit, or a deterministic one that is about as fast. The
    /// result of the convolution is written many times.
    pub(super) fn choose(
        &mut self,
        handle: sys::cudnnHandle_t,
        device: &CudaDevice,
        convolution: &Convolution,
    ) -> Result<()> {
        // SAFETY: what is in the workspace before does not matter.
        let workspace = unsafe { device.alloc::<u8>(WORKSPACE) }?;
        let stream = device.cuda_stream();
        let room = workspace.device_ptr(&stream).0 as *mut c_void;
        let mut choices = self.choices(handle, room, convolution)?;
        if (convolution.x.dtype, convolution.precision) == (DType::F32, Precision::F32) {
            choices.iter_mut().for_each(|choice| choice.math = sys::cudnnMathType_t::CUDNN_FMA_MATH);
        }
        choices.truncate(TIMED);
        // The fastest, and the fastest deterministic one.
        let (mut best, mut repeating) = ((0, f32::INFINITY), (0, f32::INFINITY));
        for (number, choice) in choices.iter().enumerate() {
            self.take(choice)?;
            match self.time(handle, room, convolution, &stream) {
                Some(time) => {
                    best = if time < best.1 { (number, time) } else { best };
                    repeating = if choice.repeats && time < repeating.1 { (number, time) } else { repeating };
                }
                // An error left by a failed recording must not affect the next one.
                None => drop(stream.context().check_err()),
            }
        }
        let settled = if repeating.1 <= best.1 * REPEATING { repeating } else { best };
        let none = CudnnError(sys::cudnnStatus_t::CUDNN_STATUS_NOT_SUPPORTED);
        self.take(choices.get(settled.0).ok_or(none).map_err(explain)?)
    }

    fn take(&mut self, choice: &Choice) -> Result<()> {
        (self.algorithm, self.workspace) = (choice.algorithm, choice.workspace);
        // SAFETY: the descriptor is alive.
        unsafe { result::set_convolution_math_type(self.convolution, choice.math) }.map_err(explain)
    }

    /// Milliseconds for [`PASSES`] passes. None if they fail, or cannot be recorded.
    fn time(
        &self,
        handle: sys::cudnnHandle_t,
        room: *mut c_void,
        convolution: &Convolution,
        stream: &Arc<CudaStream>,
    ) -> Option<f32> {
        self.launch(handle, room, convolution).ok()?;
        stream.synchronize().ok()?;
        let passes = || (0..PASSES).try_for_each(|_| self.launch(handle, room, convolution));
        let graph = captured(stream, passes).ok()?;
        graph.launch().ok()?;
        let event = || stream.record_event(Some(driver::CUevent_flags::CU_EVENT_DEFAULT)).ok();
        let begun = event()?;
        graph.launch().ok()?;
        begun.elapsed_ms(&event()?).ok()
    }

    /// The algorithms of the pass, in the order of cuDNN's timing, or of its heuristic if the timing fails.
    fn choices(&self, handle: sys::cudnnHandle_t, room: *mut c_void, convolution: &Convolution) -> Result<Vec<Choice>> {
        let at = |place: Place| place.address as *mut c_void;
        let (x, weight, y) = (at(convolution.x), at(convolution.weight), at(convolution.y));
        macro_rules! choices {
            ($kind:ident, $algorithm:ident, $try:ident ($($tried:expr),*), $ask:ident ($($asked:expr),*)) => {{
                let mut count = [0];
                // SAFETY: plain numbers, for which zero is a value; the library writes at most as many as it is told.
                let mut found: [sys::$kind; MOST] = unsafe { std::mem::zeroed() };
                let (most, counted) = (MOST as c_int, count.as_mut_ptr());
                // SAFETY: descriptors, handle and places are alive, and the pass that is tried writes its result later.
                let tried = unsafe {
                    sys::$try(handle, $($tried),*, most, counted, found.as_mut_ptr(), room, WORKSPACE).result()
                };
                let outcome = tried.or_else(|_| unsafe {
                    // SAFETY: as above.
                    result::$ask(handle, $($asked),*, most, counted, found.as_mut_ptr())
                });
                outcome.map_err(explain)?;
                let fits = |found: &&sys::$kind| {
                    found.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS && found.memory <= WORKSPACE
                };
                let fitting = found.iter().take(count[0] as usize).filter(fits);
                fitting
                    .map(|found| Choice {
                        algorithm: Algorithm::$algorithm(found.algo),
                        workspace: found.memory,
                        math: found.mathType,
                        repeats: found.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC,
                    })
                    .collect()
            }};
        }
        Ok(match convolution.pass {
            Pass::Forward => choices!(
                cudnnConvolutionFwdAlgoPerf_t,
                Forward,
                cudnnFindConvolutionForwardAlgorithmEx(self.x, x, self.weight, weight, self.convolution, self.y, y),
                get_convolution_forward_algorithm(self.x, self.weight, self.convolution, self.y)
            ),
            Pass::Input => choices!(
                cudnnConvolutionBwdDataAlgoPerf_t,
                Input,
                cudnnFindConvolutionBackwardDataAlgorithmEx(
                    self.weight,
                    weight,
                    self.y,
                    y,
                    self.convolution,
                    self.x,
                    x
                ),
                get_convolution_backward_data_algorithm(self.weight, self.y, self.convolution, self.x)
            ),
            Pass::Weight => choices!(
                cudnnConvolutionBwdFilterAlgoPerf_t,
                Weight,
                cudnnFindConvolutionBackwardFilterAlgorithmEx(
                    self.x,
                    x,
                    self.y,
                    y,
                    self.convolution,
                    self.weight,
                    weight
                ),
                get_convolution_backward_filter_algorithm(self.x, self.y, self.convolution, self.weight)
            ),
        })
    }
}
