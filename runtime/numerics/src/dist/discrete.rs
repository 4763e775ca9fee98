//! Distributions over zeros and ones and over classes.

use super::Distribution;
use crate::ops::{self, same_shape, sum_batch};
use crate::{Draw, Noise, Result, Tensor};

/// Independent Bernoulli variables with the given logits.
#[derive(Debug, Clone)]
pub struct Bernoulli {
    logits: Tensor,
}

impl Bernoulli {
    /// From a network's output of the variable's shape.
    ///
    /// # Errors
    /// None; for the sake of one form.
    pub fn from_head(head: &Tensor) -> Result<Self> {
        Ok(Self { logits: head.clone() })
    }

    /// Channels of the head for a variable of this shape.
    pub fn channels(shape: &[usize]) -> usize {
        shape.first().copied().unwrap_or(1)
    }
}

impl Distribution for Bernoulli {
    /// x·l − softplus(l), summed.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        same_shape("a Bernoulli's value and its logits", value, &self.logits)?;
        let softplus = (self.logits.relu()? + (self.logits.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
        sum_batch(&((value * &self.logits)? - softplus)?)
    }

    fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
        let uniform = noise.uniform(name, self.logits.dims(), self.logits.dtype(), self.logits.device())?;
        let probability = (self.logits.neg()?.exp()? + 1.0)?.recip()?;
        uniform.lt(&probability)?.to_dtype(self.logits.dtype())
    }

    fn mode(&self) -> Result<Tensor> {
        self.logits.gt(0.0)?.to_dtype(self.logits.dtype())
    }

    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
        Ok(Box::new(Self { logits: ops::repeat(&self.logits, samples)? }))
    }
}

/// One of n classes, one-hot, with the given logits `[N, n]`.
#[derive(Debug, Clone)]
pub struct Categorical {
    logits: Tensor,
}

impl Categorical {
    /// From a network's output `[N, n]`.
    ///
    /// # Errors
    /// A head of another rank.
    pub fn from_head(head: &Tensor) -> Result<Self> {
        head.dims2()?;
        Ok(Self { logits: head.clone() })
    }

    /// Values in the head for n classes.
    pub fn channels(shape: &[usize]) -> usize {
        shape.first().copied().unwrap_or(1)
    }

    fn one_hot(&self, scores: &Tensor) -> Result<Tensor> {
        let classes = scores.dim(1)?;
        let picked = scores.argmax_keepdim(1)?;
        let all = Tensor::arange(0u32, classes as u32, scores.device())?.unsqueeze(0)?;
        picked.broadcast_eq(&all)?.to_dtype(self.logits.dtype())
    }
}

impl Distribution for Categorical {
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        same_shape("a categorical's value and its logits", value, &self.logits)?;
        let top = self.logits.max_keepdim(1)?.detach();
        let shifted = self.logits.broadcast_sub(&top)?;
        let normaliser = shifted.exp()?.sum_keepdim(1)?.log()?;
        sum_batch(&(value * shifted.broadcast_sub(&normaliser)?)?)
    }

    fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
        let uniform = noise.uniform(name, self.logits.dims(), self.logits.dtype(), self.logits.device())?;
        let gumbel = uniform.clamp(1e-7, 1.0 - 1e-7)?.log()?.neg()?.log()?.neg()?;
        self.one_hot(&(&self.logits + gumbel)?)
    }

    fn mode(&self) -> Result<Tensor> {
        self.one_hot(&self.logits)
    }

    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
        Ok(Box::new(Self { logits: ops::repeat(&self.logits, samples)? }))
    }
}
