//! The discretised logistic mixture over images (PixelCNN++, Salimans et al. 2017).

use super::Distribution;
use crate::{Draw, Noise, Result, Tensor, ops};

/// A mixture of logistics on the k/255 grid; within a pixel, green depends on red, and blue on both.
#[derive(Debug, Clone)]
pub struct LogisticMixture {
    logits: Tensor,
    components: usize,
    channels: usize,
}

impl LogisticMixture {
    /// From a network's output, `[N, K·(1 + 2C + C(C−1)/2), H, W]`: 10 values a component for three channels, 3 for one.
    ///
    /// # Errors
    /// A number of channels that fits neither.
    pub fn from_head(head: &Tensor, components: usize) -> Result<Self> {
        let groups = head.dim(1)?;
        let channels = match groups {
            _ if groups == 10 * components => 3,
            _ if groups == 3 * components => 1,
            _ => candle_core::bail!(
                "{components} logistic components need {} or {} channels, not {groups}",
                3 * components,
                10 * components
            ),
        };
        Ok(Self { logits: head.clone(), components, channels })
    }

    /// Channels of the head for an image of this shape.
    pub fn channels(shape: &[usize], components: usize) -> usize {
        let c = shape.first().copied().unwrap_or(1);
        components * (1 + 2 * c + c * c.saturating_sub(1) / 2)
    }

    /// The parameters of every component, as the network gave them.
    pub fn logits(&self) -> &Tensor {
        &self.logits
    }

    /// A draw of the noise around the likeliest component, from uniform draws `[N, C, H, W]`.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn sample_likeliest(&self, uniform: &Tensor) -> Result<Tensor> {
        ops::logistic_mixture_value(&self.logits, self.components, None, Some(uniform))
    }
}

impl Distribution for LogisticMixture {
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        ops::logistic_mixture_log_prob(value, &self.logits, self.components)
    }

    /// A draw of the component, then of the noise; the value lies in [0, 1] on the k/255 grid.
    fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
        let (n, _, height, width) = self.logits.dims4()?;
        let (dtype, device) = (self.logits.dtype(), self.logits.device());
        let pick = noise.uniform(name, &[n, self.components, height, width], dtype, device)?;
        let spread = noise.uniform(name, &[n, self.channels, height, width], dtype, device)?;
        let value = ops::logistic_mixture_value(&self.logits, self.components, Some(&pick), Some(&spread))?;
        ops::transform::quantise(&value)
    }

    /// The mean of the likeliest component, channel by channel; not rounded to the grid.
    fn mode(&self) -> Result<Tensor> {
        ops::logistic_mixture_value(&self.logits, self.components, None, None)
    }

    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
        Ok(Box::new(Self { logits: ops::repeat(&self.logits, samples)?, ..*self }))
    }
}
