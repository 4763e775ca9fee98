//! What training minimises, and what is said of the terms it is made of.

use super::Config;
use crate::{BoundOptions, DType, Tensor, TermKind, Terms};
use anyhow::{Result, bail};
use candle_core::D;

/// The terms of one batch: means over the batch, nats.
#[derive(Debug, Clone, Default)]
pub struct TermMeans {
    pub terms: Vec<(&'static str, TermKind, f64)>,
}

impl TermMeans {
    /// # Errors
    /// A failed tensor operation.
    pub fn of(terms: &Terms) -> Result<Self> {
        let mean = |value: &Tensor| -> Result<f64> {
            Ok(f64::from(value.to_dtype(DType::F32)?.mean_all()?.to_scalar::<f32>()?))
        };
        let terms = terms.terms.iter().map(|term| Ok((term.name, term.kind, mean(&term.value)?)));
        Ok(Self { terms: terms.collect::<Result<_>>()? })
    }

    /// The bound, nats an example.
    pub fn bound(&self) -> f64 {
        let sign = |kind: TermKind| if kind == TermKind::Kl { -1.0 } else { 1.0 };
        self.terms.iter().map(|&(_, kind, value)| sign(kind) * value).sum()
    }

    /// The first term that is not a finite number.
    pub fn broken(&self) -> Option<(&'static str, f64)> {
        self.terms.iter().find(|(_, _, value)| !value.is_finite()).map(|&(name, _, value)| (name, value))
    }
}

/// What the model is asked for at a training step.
pub fn options(config: &Config) -> BoundOptions {
    if config.samples > 1 { BoundOptions::importance(config.samples) } else { BoundOptions::default() }
}

/// The number to be minimised at `step`, nats an example: the negative bound, its KL terms weighted as the config says.
///
/// # Errors
/// A bound without terms, or a failed tensor operation.
pub fn loss(terms: &Terms, config: &Config, step: usize) -> Result<Tensor> {
    if config.samples > 1 {
        // −log (1/K) Σ_k w_k, the mean over images.
        let weights = terms.log_weights()?;
        let peak = weights.max_keepdim(0)?.detach();
        let sum = weights.broadcast_sub(&peak)?.exp()?.sum(0)?.log()?;
        let log_mean = ((sum + peak.squeeze(0)?)? - (config.samples as f64).ln())?;
        return Ok(log_mean.mean(D::Minus1)?.neg()?);
    }
    let weight = if config.warm_up == 0 { 1.0 } else { ((step + 1) as f64 / config.warm_up as f64).min(1.0) };
    let mut total: Option<Tensor> = None;
    for term in &terms.terms {
        let mean = term.value.mean_all()?;
        let cost = match term.kind {
            TermKind::Reconstruction => mean.neg()?,
            TermKind::Kl if config.free_nats > 0.0 => (mean.maximum(config.free_nats)? * weight)?,
            TermKind::Kl if weight < 1.0 => (mean * weight)?,
            TermKind::Kl => mean,
        };
        total = Some(match total {
            Some(sum) => (sum + cost)?,
            None => cost,
        });
    }
    match total {
        Some(total) => Ok(total),
        None => bail!("the bound has no terms, so there is nothing to train"),
    }
}
