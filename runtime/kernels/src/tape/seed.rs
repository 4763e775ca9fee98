//! Starts a backward pass of candle from several tensors.

#[cfg(feature = "cuda")]
use crate::DType;
use crate::{Result, Tensor};
use candle_core::{CpuStorage, CudaStorage, CustomOp2, Layout, Shape};

/// The start of a backward pass of candle from several tensors: an unused number that depends on a tensor and on the
/// number for the tensors before it. The tensor's gradient is the given one.
pub(super) struct Seed(pub(super) Tensor);

impl CustomOp2 for Seed {
    fn name(&self) -> &'static str {
        "seed"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(1)))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, like: &CudaStorage, _: &Layout, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        use candle_core::backend::BackendDevice;
        Ok((like.device.zeros_impl(&Shape::from(1), DType::F32)?, Shape::from(1)))
    }

    #[cfg(not(feature = "cuda"))]
    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        candle_core::bail!("this program was built without CUDA")
    }

    fn bwd(
        &self,
        _: &Tensor,
        before: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(self.0.clone()), before.track_op().then(|| gradient.clone())))
    }
}
