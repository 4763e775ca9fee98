//! The discretised logistic mixture over images (PixelCNN++, Salimans et al. 2017).

use super::Distribution;
use crate::{Draw, Noise, Result, Tensor, ops};

/// Uniform draws are kept this far from 0 and 1.
const MARGIN: f64 = 1e-5;
const MIN_LOG_SCALE: f64 = -7.0;

/// A mixture of logistics on the k/255 grid; within a pixel, green depends on red, and blue on both.
#[derive(Debug, Clone)]
pub struct LogisticMixture {
    logits: Tensor,
    components: usize,
    channels: usize,
}

/// One component's parameters for every pixel, `[N, C, H, W]` each; coefficients only for three channels.
struct Component {
    means: Tensor,
    log_scales: Tensor,
    coefficients: Option<Tensor>,
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

    /// The parameters of one component a pixel: the likeliest after `noise` (Gumbel draws) is added to the weights.
    fn pick(&self, noise: Option<&Tensor>) -> Result<Component> {
        let (n, _, height, width) = self.logits.dims4()?;
        let weights = self.logits.narrow(1, 0, self.components)?;
        let weights = match noise {
            Some(noise) => (weights + noise)?,
            None => weights.contiguous()?,
        };
        let picked = weights.argmax_keepdim(1)?.unsqueeze(2)?;
        let index = picked.broadcast_as((n, 1, self.channels, height, width))?.contiguous()?;
        let all = self.components * self.channels;
        let take = |group: usize| {
            let values = self.logits.narrow(1, self.components + group * all, all)?.contiguous()?;
            values.reshape((n, self.components, self.channels, height, width))?.gather(&index, 1)?.squeeze(1)
        };
        let coefficients = if self.channels == 3 { Some(take(2)?.tanh()?) } else { None };
        Ok(Component { means: take(0)?, log_scales: take(1)?.maximum(MIN_LOG_SCALE)?, coefficients })
    }

    /// Channel by channel: each is shifted by those before it, then clamped to [0, 1].
    fn compose(values: &Tensor, coefficients: Option<&Tensor>) -> Result<Tensor> {
        let Some(k) = coefficients else { return values.clamp(0.0, 1.0) };
        let at = |t: &Tensor, channel: usize| t.narrow(1, channel, 1);
        let red = at(values, 0)?.clamp(0.0, 1.0)?;
        let green = (at(values, 1)? + (at(k, 0)? * &red)?)?.clamp(0.0, 1.0)?;
        let blue = ((at(values, 2)? + (at(k, 1)? * &red)?)? + (at(k, 2)? * &green)?)?.clamp(0.0, 1.0)?;
        Tensor::cat(&[&red, &green, &blue], 1)
    }

    /// Logistic draws around a component: mean + scale · (log u − log(1 − u)).
    fn spread(component: &Component, uniform: &Tensor) -> Result<Tensor> {
        let u = uniform.clamp(MARGIN, 1.0 - MARGIN)?;
        let standard = (u.log()? - (1.0 - &u)?.log()?)?;
        &component.means + (component.log_scales.exp()? * standard)?
    }

    /// A draw of the noise around the likeliest component, from uniform draws `[N, C, H, W]`.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn sample_likeliest(&self, uniform: &Tensor) -> Result<Tensor> {
        let component = self.pick(None)?;
        Self::compose(&Self::spread(&component, uniform)?, component.coefficients.as_ref())
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
        let uniform = noise.uniform(name, &[n, self.components, height, width], dtype, device)?;
        let gumbel = uniform.clamp(1e-7, 1.0 - 1e-7)?.log()?.neg()?.log()?.neg()?;
        let component = self.pick(Some(&gumbel))?;
        let uniform = noise.uniform(name, &[n, self.channels, height, width], dtype, device)?;
        let value = Self::compose(&Self::spread(&component, &uniform)?, component.coefficients.as_ref())?;
        ops::transform::quantise(&value)
    }

    /// The mean of the likeliest component, channel by channel; not rounded to the grid.
    fn mode(&self) -> Result<Tensor> {
        let component = self.pick(None)?;
        Self::compose(&component.means, component.coefficients.as_ref())
    }

    fn repeat(&self, samples: usize) -> Result<Self> {
        Ok(Self { logits: ops::repeat(&self.logits, samples)?, ..*self })
    }
}
