//! The input of a coupling's network.

use super::Sizes;
use crate::cpu::{Values, slice};
use crate::profile::timed;
use crate::vector::{Real, by_real};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, WithDType};

pub struct Context(pub Sizes);

impl CustomOp1 for Context {
    fn name(&self) -> &'static str {
        "coupling_context"
    }

    fn cpu_fwd(&self, h: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let sizes = &self.0;
        timed("coupling", || {
            by_real!(self.name(), h.dtype(), T => {
                let h = slice::<T>(h, layout)?;
                let channels = sizes.context().map_or(sizes.channels, |(_, count)| count);
                let change = sizes.change::<T>();
                let mut out = vec![T::default(); sizes.batch * channels * sizes.pixels()];
                for (out, h) in out.chunks_mut(channels * sizes.pixels()).zip(h.chunks(sizes.image())) {
                    match sizes.context() {
                        Some((first, _)) => out.copy_from_slice(&h[first * sizes.pixels()..][..out.len()]),
                        None => keep(out, h, &change),
                    }
                }
                Ok((T::to_cpu_storage_owned(out), (sizes.batch, channels, sizes.height, sizes.width).into()))
            })
        })
    }

    fn bwd(&self, h: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (sizes, gradient) = (&self.0, gradient.contiguous()?);
        timed("coupling_gradient", || {
            by_real!(self.name(), h.dtype(), T => {
                let gradient = Values::<T>::of(&gradient)?;
                let (seen, change) = (gradient.len() / sizes.batch.max(1), sizes.change::<T>());
                let mut out = vec![T::default(); sizes.batch * sizes.image()];
                for (out, gradient) in out.chunks_mut(sizes.image()).zip(gradient.chunks(seen)) {
                    match sizes.context() {
                        Some((first, _)) => out[first * sizes.pixels()..][..seen].copy_from_slice(gradient),
                        None => keep(out, gradient, &change),
                    }
                }
                Tensor::from_vec(out, h.shape(), h.device()).map(Some)
            })
        })
    }
}

/// Copies the pixels that a checkerboard keeps. The others remain 0.
fn keep<T: Real>(out: &mut [T], planes: &[T], change: &[T]) {
    for (out, plane) in out.chunks_mut(change.len()).zip(planes.chunks(change.len())) {
        for ((out, value), change) in out.iter_mut().zip(plane).zip(change) {
            *out = (T::one() - *change) * *value;
        }
    }
}
