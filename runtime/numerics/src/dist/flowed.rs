//! Transformed distributions: a bijector over a base.

use super::Distribution;
use crate::flow::Bijector;
use crate::{Draw, Noise, Result, Tensor};
use std::sync::Arc;

/// The distribution of z = inverse(v), v from the base: log p(z) = log p_base(v) + log |∂v/∂z|.
#[derive(Debug, Clone)]
pub struct Flowed<B, F> {
    pub base: B,
    pub flow: F,
}

impl<B, F: Bijector> Flowed<B, F> {
    /// The base and the bijector, which several may share in an [`Arc`].
    pub fn new(base: B, flow: F) -> Self {
        Self { base, flow }
    }
}

impl<B: Distribution, F: Bijector + Clone + 'static> Distribution for Flowed<B, F> {
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        let (v, log_det) = self.flow.forward(value)?;
        self.base.log_prob(&v)? + log_det
    }

    fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
        self.flow.inverse(&self.base.sample(name, noise, draw)?)
    }

    fn mode(&self) -> Result<Tensor> {
        self.flow.inverse(&self.base.mode()?)
    }

    /// The base's mean under the flow, which is the mean itself where the flow is affine.
    fn mean(&self) -> Result<Tensor> {
        self.flow.inverse(&self.base.mean()?)
    }

    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
        Ok(Box::new(Flowed { base: self.base.repeat(samples)?, flow: self.flow.clone() }))
    }

    fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
        Ok(Box::new(Flowed { base: self.base.expand(rows)?, flow: self.flow.clone() }))
    }
}

impl<F: Bijector + ?Sized> Bijector for Arc<F> {
    fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
        (**self).forward(z)
    }

    fn inverse(&self, v: &Tensor) -> Result<Tensor> {
        (**self).inverse(v)
    }
}
