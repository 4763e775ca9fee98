//! The discretised logistic mixture of PixelCNN++ (Salimans et al. 2017): log-probability, and its gradient with
//! respect to the logits in the same pass.

mod exact;
mod fast;
mod mean;
mod plain;
mod value;

pub use mean::logistic_mixture_mean;
pub use plain::SPREAD_MARGIN;
pub use value::logistic_mixture_value;

use super::cpu::{slice, unsupported};
use super::cuda::{self, Backend};
use super::profile::timed;
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Shape, Storage};
use rayon::prelude::*;
use std::sync::Mutex;

/// Half a step of the grid.
const HALF: f64 = 0.5 / 255.0;
/// Below this mass of a bin, its density is used.
const TINY_MASS: f64 = 1e-5;
/// Log-scales are clamped to at least this.
pub const MIN_LOG_SCALE: f64 = -7.0;

/// log p(x | logits) of images `[N, C, H, W]` on the k/255 grid, C = 1 or 3: `[N]` nats.
///
/// `logits`, `[N, ·, H, W]`: K mixture logits, then K·C means, K·C log-scales and, for C = 3, K·3 coefficients, each of the
/// last three as K groups of C. The mean of green shifts by tanh(k₀)·red, that of blue by tanh(k₁)·red + tanh(k₂)·green.
///
/// # Errors
/// Shapes that do not fit: nothing is broadcast.
pub fn logistic_mixture_log_prob(x: &Tensor, logits: &Tensor, components: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let groups = components * (1 + 2 * channels + channels * (channels - 1) / 2);
    if !matches!(channels, 1 | 3) || logits.dims() != [batch, groups, height, width] {
        candle_core::bail!(
            "a logistic mixture of {components} components over {:?} needs logits of shape {:?}, they have {:?}",
            x.dims(),
            [batch, groups, height, width],
            logits.dims()
        );
    }
    match Backend::of(logits) {
        // The kernels have no gradient for x, which only a latent image needs that a gradient passes through.
        _ if x.track_op() => super::reference::logistic_mixture_log_prob(x, logits, components),
        Backend::Cuda => cuda::logistic_mixture_log_prob(x, logits, components),
        Backend::Host => {
            let sizes = Sizes { batch, channels, pixels: height * width, components, groups };
            let op = LogProb { sizes, tracked: logits.track_op(), slopes: Mutex::new(None) };
            crate::tape::op2(&x.contiguous()?, &logits.contiguous()?, op)
        }
        Backend::Candle => super::reference::logistic_mixture_log_prob(x, logits, components),
    }
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    channels: usize,
    pixels: usize,
    components: usize,
    groups: usize,
}

impl Sizes {
    /// Values of an image.
    fn image(&self) -> usize {
        self.channels * self.pixels
    }

    /// Values of an image's logits.
    fn logits(&self) -> usize {
        self.groups * self.pixels
    }
}

struct LogProb {
    sizes: Sizes,
    /// Whether a gradient will be needed.
    tracked: bool,
    /// The gradient of each image's log-probability with respect to its logits, computed in the forward pass and
    /// consumed in the backward pass.
    slopes: Mutex<Option<CpuStorage>>,
}

impl LogProb {
    /// Log-probabilities and, if needed, their derivatives.
    fn pass(
        &self,
        x: (&CpuStorage, &Layout),
        logits: (&CpuStorage, &Layout),
        wanted: bool,
    ) -> Result<(CpuStorage, Option<CpuStorage>)> {
        match x.0.dtype() {
            DType::F32 => {
                let (values, slopes) = fast::pass(&self.sizes, slice(x.0, x.1)?, slice(logits.0, logits.1)?, wanted);
                Ok((CpuStorage::F32(values), slopes.map(CpuStorage::F32)))
            }
            DType::F64 => {
                let (values, slopes) = exact::pass(&self.sizes, slice(x.0, x.1)?, slice(logits.0, logits.1)?, wanted);
                Ok((CpuStorage::F64(values), slopes.map(CpuStorage::F64)))
            }
            other => unsupported(self.name(), other),
        }
    }

    /// The derivatives from the forward pass, or recomputed ones if they were consumed.
    fn slopes(&self, x: &Tensor, logits: &Tensor) -> Result<Option<CpuStorage>> {
        let kept = self.slopes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if kept.is_some() {
            return Ok(kept);
        }
        let ((x, x_layout), (logits, logits_layout)) = (x.storage_and_layout(), logits.storage_and_layout());
        match (&*x, &*logits) {
            (Storage::Cpu(x), Storage::Cpu(logits)) => Ok(self.pass((x, x_layout), (logits, logits_layout), true)?.1),
            _ => Ok(None),
        }
    }
}

impl CustomOp2 for LogProb {
    fn name(&self) -> &'static str {
        "logistic_mixture"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        logits: &CpuStorage,
        logits_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (values, slopes) = timed(self.name(), || self.pass((x, x_layout), (logits, logits_layout), self.tracked))?;
        *self.slopes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = slopes;
        Ok((values, Shape::from(self.sizes.batch)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        logits: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        timed("logistic_mixture_gradient", || {
            let scaled = match self.slopes(x, logits)? {
                Some(CpuStorage::F32(mut slopes)) => {
                    scale(&mut slopes, self.sizes.logits(), &gradient.to_vec1()?);
                    Tensor::from_vec(slopes, logits.shape(), x.device())?
                }
                Some(CpuStorage::F64(mut slopes)) => {
                    scale(&mut slopes, self.sizes.logits(), &gradient.to_vec1()?);
                    Tensor::from_vec(slopes, logits.shape(), x.device())?
                }
                _ => candle_core::bail!("{} has no gradient on {:?}", self.name(), x.device().location()),
            };
            Ok((None, Some(scaled)))
        })
    }
}

/// Multiplies each image's values by a number.
fn scale<T: Copy + Send + Sync + std::ops::MulAssign>(values: &mut [T], image: usize, by: &[T]) {
    values
        .par_chunks_mut(image.max(1))
        .zip(by)
        .for_each(|(values, by)| values.iter_mut().for_each(|value| *value *= *by));
}

#[cfg(test)]
mod tests {
    use super::{HALF, MIN_LOG_SCALE, TINY_MASS};

    /// What the kernels for a GPU state in C.
    #[test]
    fn a_gpu_has_the_same_limits() {
        let text = crate::cuda::kernels::source();
        let stated = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("#define {name} ")));
        for (name, value) in [("TINY_MASS", TINY_MASS), ("MIN_LOG_SCALE", MIN_LOG_SCALE), ("LOG_255", 255f64.ln())] {
            let number = stated(name).and_then(|number| number.trim_end_matches('f').parse::<f64>().ok());
            assert_eq!(number.map(|number| number as f32), Some(value as f32), "{name}");
        }
        assert_eq!((stated("HALF"), HALF), (Some("(0.5f / 255.0f)"), 0.5 / 255.0));
    }
}
