//! CUDA graphs: GPU work that is recorded once and replayed by a single call.

use crate::{Device, Result};
#[cfg(feature = "cuda")]
use candle_core::cuda_backend::cudarc::driver::{CudaGraph, CudaStream, sys};
#[cfg(feature = "cuda")]
use std::sync::Arc;

/// Recorded work. The memory that it uses but does not own must outlive it.
pub struct Graph(#[cfg(feature = "cuda")] CudaGraph);

/// Runs `work` and then records it for replay. Copies from the host to the device are recorded with their contents;
/// memory is allocated and freed inside. `work` fails while it is recorded if it waits for the device or copies from it.
///
/// # Errors
/// Those of `work` when it runs. An error of the recording alone is the inner result.
#[cfg(feature = "cuda")]
pub fn record(device: &Device, mut work: impl FnMut() -> Result<()>) -> Result<Result<Graph>> {
    let Device::Cuda(device) = device else {
        work()?;
        return Ok(Err(candle_core::Error::Msg("only a GPU records its work".into())));
    };
    let _uploads = device.enable_cuda_graph_htod_cache();
    work()?;
    // Earlier errors are reported first, so that they are not taken for a failed recording.
    let stream = device.cuda_stream();
    stream.synchronize().map_err(candle_core::Error::wrap)?;
    let graph = captured(&stream, work);
    if graph.is_err() {
        // Freeing the memory of a failed recording fails too; this error is dropped.
        stream.context().check_err().ok();
    }
    Ok(graph.map(Graph))
}

/// Records the work that `work` issues on this stream, without running it.
#[cfg(feature = "cuda")]
pub(super) fn captured(stream: &Arc<CudaStream>, work: impl FnOnce() -> Result<()>) -> Result<CudaGraph> {
    stream.begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED).map_err(candle_core::Error::wrap)?;
    let outcome = work();
    let flags = sys::CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
    let graph = stream.end_capture(flags);
    outcome?;
    match graph.map_err(candle_core::Error::wrap)? {
        Some(graph) => Ok(graph),
        None => candle_core::bail!("nothing was recorded"),
    }
}

/// Without CUDA nothing is recorded.
///
/// # Errors
/// Those of `work`.
#[cfg(not(feature = "cuda"))]
pub fn record(_: &Device, mut work: impl FnMut() -> Result<()>) -> Result<Result<Graph>> {
    work()?;
    Ok(Err(candle_core::Error::Msg("this program was built without CUDA".into())))
}

impl Graph {
    /// Replays the work.
    ///
    /// # Errors
    /// A driver error.
    pub fn launch(&self) -> Result<()> {
        #[cfg(feature = "cuda")]
        self.0.launch().map_err(candle_core::Error::wrap)?;
        Ok(())
    }
}
