//! Dense layers (Huang et al. 2017) with channel attention, as in the super-resolution VAE.

use super::{NormConv, Shape2d};
use crate::ops::{self, Attention, DenseKernels, DenseStep};
use crate::params::Phase;
use crate::{Params, Result, Tensor};
use candle_core::TensorId;
use std::sync::{Arc, Mutex};

/// `steps` bottlenecks, each appended to the channels so far and followed by an ELU over all of them, then channel
/// attention.
#[derive(Debug, Clone)]
pub struct DenseLayer {
    steps: Vec<(NormConv, NormConv)>,
    squeeze: NormConv,
    excite: NormConv,
    params: Params,
    channels: usize,
    /// The kernels composed from these weights, cached in inference.
    kept: Arc<Mutex<Option<(Vec<TensorId>, DenseKernels)>>>,
}

impl DenseLayer {
    /// From `channels` to `channels + steps · growth`; attention squeezes to an eighth. Parameters: `steps.I.squeeze`, `steps.I.grow`,
    /// `attention.squeeze`, `attention.excite`.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn new(params: &Params, channels: usize, growth: usize, steps: usize) -> Result<Self> {
        let mut pairs = Vec::with_capacity(steps);
        for step in 0..steps {
            let at = params.at(&format!("steps.{step}"));
            let squeeze =
                NormConv::new(&at.at("squeeze"), channels + step * growth, 4 * growth, 1, Shape2d::Stride(1))?;
            pairs.push((squeeze, NormConv::new(&at.at("grow"), 4 * growth, growth, 3, Shape2d::Stride(1))?));
        }
        let channels = channels + steps * growth;
        let squeezed = (channels / 8).max(1);
        let attention = params.at("attention");
        Ok(Self {
            steps: pairs,
            squeeze: NormConv::new(&attention.at("squeeze"), channels, squeezed, 1, Shape2d::Stride(1))?,
            excite: NormConv::new(&attention.at("excite"), squeezed, channels, 1, Shape2d::Stride(1))?,
            params: params.clone(),
            channels,
            kept: Arc::default(),
        })
    }

    /// Channels of the output.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// # Errors
    /// An input that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.params.phase() == Phase::Initialisation {
            return self.initialise(&ops::cuda::widened(x)?);
        }
        let steps = self.steps.iter().map(|(squeeze, grow)| {
            let ((squeeze, squeeze_bias), (grow, grow_bias)) = (squeeze.weight()?, grow.weight()?);
            Ok(DenseStep { squeeze, squeeze_bias, grow, grow_bias })
        });
        let steps = steps.collect::<Result<Vec<_>>>()?;
        let ((squeeze, squeeze_bias), (excite, excite_bias)) = (self.squeeze.weight()?, self.excite.weight()?);
        let attention = Attention { squeeze, squeeze_bias, excite, excite_bias };
        ops::dense_layer_kept(x, &steps, &attention, &self.kernels(&steps))
    }

    /// The composed kernels, cached in inference while the weights do not change, and dropped in training.
    fn kernels(&self, steps: &[DenseStep]) -> DenseKernels {
        let mut kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if self.params.phase() == Phase::Training {
            *kept = None;
            return DenseKernels::default();
        }
        let weights: Vec<TensorId> = steps.iter().flat_map(|step| [step.squeeze.id(), step.grow.id()]).collect();
        match &*kept {
            Some((of, kernels)) if *of == weights => kernels.clone(),
            _ => kept.insert((weights, DenseKernels::default())).1.clone(),
        }
    }

    /// Convolution by convolution, because each depends on the initialisation of the one before.
    fn initialise(&self, x: &Tensor) -> Result<Tensor> {
        let mut stack = x.clone();
        for (squeeze, grow) in &self.steps {
            let grown = grow.forward(&squeeze.forward(&stack)?)?;
            stack = ops::elu(&Tensor::cat(&[&stack, &grown], 1)?)?;
        }
        let mean = stack.mean_keepdim(3)?.mean_keepdim(2)?;
        let logits = self.excite.forward(&self.squeeze.forward(&mean)?)?;
        stack.broadcast_mul(&(logits.neg()?.exp()? + 1.0)?.recip()?)
    }
}
