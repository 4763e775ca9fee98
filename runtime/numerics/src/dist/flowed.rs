//! Transformed distributions: a base distribution and a bijector.

use super::Distribution;
use crate::flow::Bijector;
use crate::{Draw, Noise, Result, Tensor, ops};

/// The distribution of z = inverse(v), where v has the base distribution: log p(z) = log p_base(v) + log |∂v/∂z|.
#[derive(Debug, Clone)]
pub struct Flowed<B, F> {
    pub base: B,
    pub flow: F,
    /// The context of the flow, with a row for each row of the base.
    pub context: Option<Tensor>,
}

impl<B, F: Bijector> Flowed<B, F> {
    /// The base and the bijector. Several distributions may share a bijector in an [`Arc`](std::sync::Arc).
    pub fn new(base: B, flow: F) -> Self {
        Self { base, flow, context: None }
    }

    /// A transformed distribution whose bijector has a context.
    pub fn given(base: B, flow: F, context: &Tensor) -> Self {
        Self { base, flow, context: Some(context.clone()) }
    }

    /// Runs `work` with the bijector and its context.
    fn with<R>(&self, work: impl FnOnce(&dyn Bijector) -> Result<R>) -> Result<R>
    where
        F: Sized + 'static,
    {
        match &self.context {
            Some(context) => work(&*self.flow.given(context)?),
            None => work(&self.flow),
        }
    }
}

impl<B: Distribution, F: Bijector + Clone + 'static> Distribution for Flowed<B, F> {
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        let (v, log_det) = self.with(|flow| flow.forward(value))?;
        self.base.log_prob(&v)? + log_det
    }

    fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
        let v = self.base.sample(name, noise, draw)?;
        self.with(|flow| flow.sample(&v, name, noise, draw))
    }

    fn sample_scored(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<(Tensor, Tensor)> {
        let (v, log_prob) = self.base.sample_scored(name, noise, draw)?;
        let (z, log_det) = self.with(|flow| flow.sample_scored(&v, name, noise, draw))?;
        Ok((z, (log_prob + log_det)?))
    }

    fn mode(&self) -> Result<Tensor> {
        let v = self.base.mode()?;
        self.with(|flow| flow.inverse(&v))
    }

    /// The image of the base's mean under the flow, which is the mean if the flow is affine.
    fn mean(&self) -> Result<Tensor> {
        let v = self.base.mean()?;
        self.with(|flow| flow.inverse(&v))
    }

    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
        let context = self.context.as_ref().map(|context| ops::repeat(context, samples)).transpose()?;
        Ok(Box::new(Flowed { base: self.base.repeat(samples)?, flow: self.flow.clone(), context }))
    }

    fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
        // A context that all rows share has one row.
        let context = self.context.as_ref().map(|context| match context.dim(0)? {
            1 => ops::repeat(context, rows),
            _ => Ok(context.clone()),
        });
        Ok(Box::new(Flowed { base: self.base.expand(rows)?, flow: self.flow.clone(), context: context.transpose()? }))
    }
}
