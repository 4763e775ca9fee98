//! The terms of a bound, and what is computed from them: the bound, a loss, an estimate of the likelihood.

use crate::dist::through;
use crate::{Result, Tensor};
use candle_core::D;

/// The terms of the bound for one batch: bound = Σ reconstruction − Σ KL.
#[derive(Debug, Clone)]
pub struct Terms {
    /// In the compiler's order.
    pub terms: Vec<Term>,
    /// Latents with the score gradient (`draw y = score`). [`Terms::score`] computes the gradient from them.
    pub scores: Vec<Score>,
    /// Additional terms of the training objective. They are not part of any bound or likelihood.
    pub added: Vec<Added>,
    /// What importance weights have beyond the sum of the terms, `[K, B]` nats each: the gains of sums over enumerated
    /// values inside of the logarithm ([`Enumeration::gain`](crate::Enumeration::gain)). 0 in other bounds.
    pub gains: Vec<Tensor>,
}

/// A latent with the score gradient, at its draws.
#[derive(Debug, Clone)]
pub struct Score {
    /// ln q, `[K, B]`.
    pub log_q: Tensor,
    /// The learned baseline, `[K, B]` nats (`score(baseline: b)`). What it reads of the model has no gradient.
    pub baseline: Option<Tensor>,
}

/// One term of the bound.
#[derive(Debug, Clone)]
pub struct Term {
    /// `RE_x`, `KL_z`, …
    pub name: &'static str,
    pub kind: TermKind,
    /// Nats, `[K, B]`.
    pub value: Tensor,
}

/// The sign of a term in the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermKind {
    /// log p of an observed variable, or of a latent that q determines: added.
    Reconstruction,
    /// KL(q ‖ p), exact or log q − log p at the sample: subtracted.
    Kl,
}

/// An additional term of the training objective: `objective + 0.1 * ln q(y | x)` in a file.
#[derive(Debug, Clone)]
pub struct Added {
    /// `ln q(y | x) where y is observed`
    pub name: &'static str,
    /// Its coefficient; a negative one subtracts the term.
    pub scale: f64,
    /// Nats, `[K, B]`; 0 for records for which it does not count.
    pub value: Tensor,
}

impl Terms {
    /// The surrogate term for the score gradient, `[B]`: a value of 0 with the gradient of the objective through the
    /// distributions of the discrete draws. `gain`, `[K, B]`, is the contribution of each draw to the objective. With
    /// `importance` the objective is ln (1/K) Σ_k exp gain_k, otherwise the mean over k. None if no draw has a score
    /// gradient.
    ///
    /// The baseline of a draw is computed from the other samples of its record, or with one sample from the other
    /// records, so the gradient is unbiased. A learned baseline is added to it; its parameters have the gradient of a
    /// least-squares fit. See [`crate::dist::through::score`].
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn score(&self, gain: &Tensor, importance: bool) -> Result<Option<Tensor>> {
        let (learned, plain): (Vec<_>, Vec<_>) = self.scores.iter().partition(|score| score.baseline.is_some());
        let mut total: Option<Tensor> = None;
        let mut add = |log_q: &Tensor, baseline: Option<&Tensor>| -> Result<()> {
            let term = through::score(log_q, baseline, gain, importance)?;
            total = Some(match total.take() {
                Some(sum) => (sum + term)?,
                None => term,
            });
            Ok(())
        };
        if let Some((first, rest)) = plain.split_first() {
            let log_q = rest.iter().try_fold(first.log_q.clone(), |sum, score| sum + &score.log_q)?;
            add(&log_q, None)?;
        }
        learned.iter().try_for_each(|score| add(&score.log_q, score.baseline.as_ref()))?;
        Ok(total)
    }

    /// The terms without learned baselines.
    #[must_use]
    pub fn without_baselines(&self) -> Self {
        let mut terms = self.clone();
        terms.scores.iter_mut().for_each(|score| score.baseline = None);
        terms
    }

    /// The importance weight of each sample and record, nats, `[K, B]`: the sum of the terms, and the gains of sums over
    /// enumerated values.
    ///
    /// # Errors
    /// A bound without terms, or a failed tensor operation.
    pub fn log_weights(&self) -> Result<Tensor> {
        self.gains.iter().try_fold(self.bounds()?, |sum, gain| sum + gain)
    }

    /// The bound for each sample and record, nats, `[K, B]`: the sum of the terms.
    ///
    /// # Errors
    /// A bound without terms, or a failed tensor operation.
    pub fn bounds(&self) -> Result<Tensor> {
        let mut total: Option<Tensor> = None;
        for term in &self.terms {
            let signed = match term.kind {
                TermKind::Reconstruction => term.value.clone(),
                TermKind::Kl => term.value.neg()?,
            };
            total = Some(match total {
                Some(sum) => (sum + signed)?,
                None => signed,
            });
        }
        total.ok_or_else(|| candle_core::Error::Msg("a bound without terms".into()))
    }

    /// The additional terms for each sample and record, `[K, B]`. None if there are none.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn addition(&self) -> Result<Option<Tensor>> {
        let mut total: Option<Tensor> = None;
        for added in &self.added {
            let scaled = (&added.value * added.scale)?;
            total = Some(match total {
                Some(sum) => (sum + scaled)?,
                None => scaled,
            });
        }
        Ok(total)
    }

    /// The evidence lower bound of each record, nats, `[B]`: the mean over the samples.
    ///
    /// # Errors
    /// A bound without terms, or a failed tensor operation.
    pub fn elbo(&self) -> Result<Tensor> {
        self.bounds()?.mean(0)
    }

    /// The training loss: the negative bound minus additional terms, averaged over the batch, one number. Latents with
    /// the score gradient contribute only to its gradient.
    ///
    /// # Errors
    /// A bound without terms, or a failed tensor operation.
    pub fn loss(&self) -> Result<Tensor> {
        let mut loss = self.elbo()?.mean(D::Minus1)?.neg()?;
        let mut gain = self.bounds()?;
        if let Some(addition) = self.addition()? {
            loss = (loss - addition.mean_all()?)?;
            gain = (gain + addition)?;
        }
        match self.score(&gain, false)? {
            Some(score) => loss - score.mean_all()?,
            None => Ok(loss),
        }
    }

    /// log (1/K) Σ_k w_k of each record, nats, `[B]`. With the options [`BoundOptions::importance`], it is a lower
    /// bound on the log-likelihood in expectation, which becomes tighter with K. Its negative mean is the loss of
    /// importance-weighted autoencoders.
    ///
    /// [`BoundOptions::importance`]: crate::BoundOptions::importance
    ///
    /// # Errors
    /// A bound without terms, or a failed tensor operation.
    pub fn log_likelihood(&self) -> Result<Tensor> {
        let weights = self.log_weights()?;
        let samples = weights.dim(0)?;
        let peak = weights.max_keepdim(0)?.detach();
        let sum = weights.broadcast_sub(&peak)?.exp()?.sum(0)?.log()?;
        (sum + peak.squeeze(0)?)? - (samples as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor, Term, TermKind, Terms};

    fn terms() -> Terms {
        let value = |numbers: &[[f64; 2]; 2]| Tensor::new(numbers, &Device::Cpu).unwrap();
        let term = |name, kind, numbers: &[[f64; 2]; 2]| Term { name, kind, value: value(numbers) };
        Terms {
            terms: vec![
                term("RE_x", TermKind::Reconstruction, &[[-3.0, -900.0], [-1.0, -902.0]]),
                term("KL_z", TermKind::Kl, &[[1.0, 0.0], [0.5, 0.0]]),
            ],
            scores: Vec::new(),
            added: Vec::new(),
            gains: Vec::new(),
        }
    }

    #[test]
    fn the_bound_is_a_mean_over_samples_and_the_likelihood_a_mean_of_weights() {
        let terms = terms();
        assert_eq!(terms.elbo().unwrap().to_vec1::<f64>().unwrap(), [-2.75, -901.0]);
        assert_eq!(terms.loss().unwrap().to_scalar::<f64>().unwrap(), 451.875);
        // Far below the range of an exponential.
        let wanted = [((-4f64).exp() / 2.0 + (-1.5f64).exp() / 2.0).ln(), -900.0 + ((1.0 + (-2f64).exp()) / 2.0).ln()];
        for (found, wanted) in terms.log_likelihood().unwrap().to_vec1::<f64>().unwrap().iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
        }
    }
}
