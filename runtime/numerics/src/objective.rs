//! The training objective: weights of the bound's terms.

use crate::{Result, Terms};

/// The weight of a term of the bound in training: `weight KL_z = 0.5 * ramp(steps: 400) * free(nats: 0.25)` in a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// `KL_z`
    pub term: &'static str,
    /// The constant factor.
    pub scale: f64,
    /// The ramp from 0 to 1.
    pub ramp: Ramp,
    /// Free nats per record: if the term's mean over samples and records is below this number, it is replaced by it,
    /// without a gradient.
    pub free: f64,
}

/// A weight that rises linearly from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ramp {
    /// No ramp: 1 from the start.
    None,
    /// Over this number of passes over the training data.
    Passes(f64),
    /// Over this number of updates.
    Steps(f64),
}

/// The progress of training at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Steps before this one.
    pub step: usize,
    /// Passes over the training data, including this step's batch.
    pub passes: f64,
}

impl Moment {
    /// At a step (counted from 0), with batches of this many records of a total number.
    pub fn of(step: usize, batch: usize, records: usize) -> Self {
        Self { step, passes: (step + 1) as f64 * batch as f64 / records.max(1) as f64 }
    }
}

impl Ramp {
    /// The weight at a moment. It is 1 after the end of the ramp.
    pub fn at(self, moment: Moment) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Passes(passes) => (moment.passes / passes).min(1.0),
            Self::Steps(steps) => ((moment.step + 1) as f64 / steps).min(1.0),
        }
    }
}

impl Terms {
    /// The terms at a moment of training: each is at least its free nats, times its weight. Terms without a weight are
    /// unchanged.
    ///
    /// With several samples, the terms of each sample's log-weight are weighted, so the results are the log-weights of
    /// the weighted bound.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn weighted(&self, weights: &[Weight], at: Moment) -> Result<Self> {
        let mut terms = self.clone();
        for term in &mut terms.terms {
            let Some(weight) = weights.iter().find(|weight| weight.term == term.name) else { continue };
            if weight.free > 0.0 {
                let counts = term.value.mean_all()?.detach().gt(weight.free)?.to_dtype(term.value.dtype())?;
                let free = counts.affine(-weight.free, weight.free)?;
                term.value = term.value.broadcast_mul(&counts)?.broadcast_add(&free)?;
            }
            let scale = weight.scale * weight.ramp.at(at);
            if scale != 1.0 {
                term.value = (&term.value * scale)?;
            }
        }
        Ok(terms)
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, Ramp, Weight};
    use crate::{Added, Device, Tensor, Term, TermKind, Terms};

    fn terms() -> Terms {
        let value = |numbers: &[[f64; 2]; 2]| Tensor::new(numbers, &Device::Cpu).unwrap();
        let term = |name, kind, numbers: &[[f64; 2]; 2]| Term { name, kind, value: value(numbers) };
        Terms {
            terms: vec![
                term("RE_x", TermKind::Reconstruction, &[[-3.0, -4.0], [-1.0, -2.0]]),
                term("KL_u", TermKind::Kl, &[[0.25, 0.5], [0.5, 0.25]]),
                term("KL_z", TermKind::Kl, &[[1.0, 2.0], [3.0, 2.0]]),
            ],
            scores: Vec::new(),
            added: vec![Added { name: "ln q(y | x)", scale: -0.5, value: value(&[[-1.0, 0.0], [-2.0, 0.0]]) }],
            gains: Vec::new(),
        }
    }

    fn values(terms: &Terms, name: &str) -> Vec<Vec<f64>> {
        terms.terms.iter().find(|term| term.name == name).unwrap().value.to_vec2().unwrap()
    }

    #[test]
    fn ramps_rise_with_steps_or_passes_and_stay() {
        for (step, passes, steps) in [(0, 0.25, 0.125), (3, 1.0, 0.5), (100, 1.0, 1.0)] {
            let moment = Moment::of(step, 10, 40);
            assert_eq!((Ramp::Passes(1.0).at(moment), Ramp::Steps(8.0).at(moment)), (passes, steps), "step {step}");
            assert_eq!(Ramp::None.at(moment), 1.0);
        }
    }

    #[test]
    fn terms_count_as_their_weights_say_and_the_rest_as_it_is() {
        let weights = [
            Weight { term: "KL_u", scale: 2.0, ramp: Ramp::Steps(4.0), free: 0.75 },
            Weight { term: "KL_z", scale: 3.0, ramp: Ramp::None, free: 0.75 },
        ];
        let weighted = terms().weighted(&weights, Moment::of(1, 1, 1)).unwrap();
        // The mean of KL_u, 0.375, is below the free nats: 2 · (2 of 4 steps) · 0.75.
        assert_eq!(values(&weighted, "KL_u"), [[0.75, 0.75], [0.75, 0.75]]);
        assert_eq!(values(&weighted, "KL_z"), [[3.0, 6.0], [9.0, 6.0]]);
        assert_eq!(values(&weighted, "RE_x"), values(&terms(), "RE_x"));
    }

    #[test]
    fn what_is_added_is_in_the_loss_and_in_no_bound() {
        let (terms, mut plain) = (terms(), terms());
        plain.added.clear();
        assert_eq!(terms.elbo().unwrap().to_vec1::<f64>().unwrap(), plain.elbo().unwrap().to_vec1::<f64>().unwrap());
        let loss = |terms: &Terms| terms.loss().unwrap().to_scalar::<f64>().unwrap();
        // The mean of the additional term is −0.5 · −0.75.
        assert!((loss(&plain) - loss(&terms) - 0.375).abs() < 1e-12, "{} {}", loss(&plain), loss(&terms));
    }
}
