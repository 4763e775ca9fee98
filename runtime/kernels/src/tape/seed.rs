//! How the tape starts a pass of candle's.

#[cfg(feature = "cuda")]
use crate::DType;
use crate::{Result, Tensor};
use candle_core::{CpuStorage, CudaStorage, CustomOp1, CustomOp2, Layout, Shape};

/// The start of a pass of candle's: a number that nobody reads, whose gradient for the tensor is what is given.
pub(super) struct Seed(pub(super) Tensor);

impl Seed {
    fn on_host() -> (CpuStorage, Shape) {
        (CpuStorage::F32(vec![0.0]), Shape::from(1))
    }

    #[cfg(feature = "cuda")]
    fn on_device(like: &CudaStorage) -> Result<(CudaStorage, Shape)> {
        use candle_core::backend::BackendDevice;
        Ok((like.device.zeros_impl(&Shape::from(1), DType::F32)?, Shape::from(1)))
    }

    #[cfg(not(feature = "cuda"))]
    fn on_device(_: &CudaStorage) -> Result<(CudaStorage, Shape)> {
        candle_core::bail!("this program was built without CUDA")
    }
}

impl CustomOp1 for Seed {
    fn name(&self) -> &'static str {
        "seed"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(Self::on_host())
    }

    fn cuda_fwd(&self, tensor: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        Self::on_device(tensor)
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.0.clone()))
    }
}

impl CustomOp2 for Seed {
    fn name(&self) -> &'static str {
        "seed"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(Self::on_host())
    }

    fn cuda_fwd(&self, tensor: &CudaStorage, _: &Layout, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        Self::on_device(tensor)
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(self.0.clone()), Some(gradient.clone())))
    }
}
