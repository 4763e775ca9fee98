//! Quantities computed from a bound's terms: the bound, a loss, an estimate of the likelihood.

use crate::{Result, Tensor, Terms};
use candle_core::D;

impl Terms {
    /// The evidence lower bound of each record, nats, `[B]`: the mean over the samples.
    ///
    /// # Errors
    /// A bound without terms, or a failed tensor operation.
    pub fn elbo(&self) -> Result<Tensor> {
        self.log_weights()?.mean(0)
    }

    /// The training loss: the negative bound minus additional terms, averaged over the batch, one number. Latents with
    /// the score gradient contribute only to its gradient.
    ///
    /// # Errors
    /// A bound without terms, or a failed tensor operation.
    pub fn loss(&self) -> Result<Tensor> {
        let mut loss = self.elbo()?.mean(D::Minus1)?.neg()?;
        let mut gain = self.log_weights()?;
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
