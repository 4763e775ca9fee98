//! The training loss, and the reported terms.

use super::Config;
use crate::{BoundOptions, DType, Model, Moment, Ramp, Tensor, TermKind, Terms, Weight};
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

/// The options of the bound at a training step.
pub fn options(config: &Config) -> BoundOptions {
    if config.samples > 1 { BoundOptions::importance(config.samples) } else { BoundOptions::default() }
}

/// The terms at a moment of training, weighted by the model, then by the configuration: for every KL term `weight KL_v
/// = ramp(steps: N) * free(nats: F)` as in a file.
///
/// # Errors
/// A failed tensor operation.
pub fn weighted(model: &dyn Model, terms: &Terms, config: &Config, at: Moment) -> Result<Terms> {
    let terms = model.objective(terms, at)?;
    Ok(terms.weighted(&of_every_divergence(&terms, config), at)?)
}

fn of_every_divergence(terms: &Terms, config: &Config) -> Vec<Weight> {
    let ramp = if config.warm_up == 0 { Ramp::None } else { Ramp::Steps(config.warm_up as f64) };
    let divergences = terms.terms.iter().filter(|term| term.kind == TermKind::Kl);
    divergences.map(|term| Weight { term: term.name, scale: 1.0, ramp, free: config.free_nats }).collect()
}

/// Whether no weight changes any more from this moment on.
pub fn is_settled(model: &dyn Model, config: &Config, at: Moment) -> bool {
    at.step >= config.warm_up && model.weights().iter().all(|weight| weight.ramp.at(at) == 1.0)
}

/// Whether the training objective is the bound.
pub fn is_plain(model: &dyn Model, terms: &Terms, config: &Config) -> bool {
    config.warm_up == 0 && config.free_nats == 0.0 && model.weights().is_empty() && terms.added.is_empty()
}

/// The values of weighted and additional terms in the objective: means over the batch, nats.
///
/// # Errors
/// A failed tensor operation.
pub fn counts(weighted: &Terms) -> Result<Vec<(&'static str, f64)>> {
    let mut counts: Vec<_> = TermMeans::of(weighted)?.terms.into_iter().map(|(name, _, mean)| (name, mean)).collect();
    for added in &weighted.added {
        counts.push((added.name, added.scale * mean(&added.value)?));
    }
    Ok(counts)
}

fn mean(value: &Tensor) -> Result<f64> {
    Ok(f64::from(value.to_dtype(DType::F32)?.mean_all()?.to_scalar::<f32>()?))
}

/// The training loss, nats per record: the negative bound with weighted terms, minus additional terms. With K samples,
/// the terms are weighted within each sample's log-weight.
///
/// # Errors
/// A bound without terms, or a failed tensor operation.
pub fn loss(weighted: &Terms, config: &Config) -> Result<Tensor> {
    let mut loss = negative(weighted, config)?;
    let addition = weighted.addition()?;
    if let Some(addition) = &addition {
        loss = (loss - addition.mean_all()?)?;
    }
    // The score term has the value 0 and a gradient.
    let (gain, importance) = (weighted.log_weights()?, config.samples > 1);
    let scores = match addition {
        // With importance weights the objective is the sum of two functions of the draws, otherwise it is one.
        Some(addition) if importance => {
            [weighted.score(&gain, true)?, weighted.without_baselines().score(&addition, false)?]
        }
        Some(addition) => [weighted.score(&(gain + addition)?, false)?, None],
        None => [weighted.score(&gain, importance)?, None],
    };
    for score in scores.into_iter().flatten() {
        loss = (loss - score.mean_all()?)?;
    }
    Ok(loss)
}

fn negative(terms: &Terms, config: &Config) -> Result<Tensor> {
    if config.samples > 1 {
        return Ok(terms.log_likelihood()?.mean(D::Minus1)?.neg()?);
    }
    let mut total: Option<Tensor> = None;
    for term in &terms.terms {
        let mean = term.value.mean_all()?;
        let cost = if term.kind == TermKind::Reconstruction { mean.neg()? } else { mean };
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

#[cfg(test)]
mod tests {
    use super::{Config, Moment, Result, Tensor, TermKind, Terms, loss, of_every_divergence};
    use crate::{Added, Device, Score, Term};
    use anyhow::Context;
    use candle_core::Var;

    const RECONSTRUCTION: [[f64; 2]; 2] = [[-3.0, -1.0], [-2.5, -4.0]];
    const FIRST: [[f64; 2]; 2] = [[0.5, 0.25], [1.0, 0.25]];
    const SECOND: [[f64; 2]; 2] = [[2.0, 3.0], [1.0, 4.0]];

    /// The loss over the first `samples` rows of the table, and its derivative with respect to each KL value.
    fn found(samples: usize, config: &Config, step: usize) -> Result<(f64, [Vec<f64>; 2])> {
        let rows = |rows: &[[f64; 2]; 2]| Tensor::from_slice(&rows[..samples].concat(), (samples, 2), &Device::Cpu);
        let (first, second) = (Var::from_tensor(&rows(&FIRST)?)?, Var::from_tensor(&rows(&SECOND)?)?);
        let term = |name, kind, value: &Tensor| Term { name, kind, value: value.clone() };
        let terms = vec![
            term("RE_x", TermKind::Reconstruction, &rows(&RECONSTRUCTION)?),
            term("KL_u", TermKind::Kl, &first),
            term("KL_z", TermKind::Kl, &second),
        ];
        let terms = Terms { terms, scores: Vec::new(), added: Vec::new(), gains: Vec::new() };
        let weighted = terms.weighted(&of_every_divergence(&terms, config), Moment::of(step, 1, 1))?;
        let loss = loss(&weighted, &Config { samples, ..config.clone() })?;
        let slopes = loss.backward()?;
        let slope = |var: &Var| -> Result<Vec<f64>> {
            let none = var.zeros_like()?;
            Ok(slopes.get(var).unwrap_or(&none).flatten_all()?.to_vec1()?)
        };
        Ok((loss.to_scalar()?, [slope(&first)?, slope(&second)?]))
    }

    /// −log mean exp over samples, the mean over two images, of log weights made by hand.
    fn by_hand(samples: usize, first: impl Fn(f64) -> f64, second: impl Fn(f64) -> f64) -> f64 {
        let one = |image: usize| {
            let log = |k: usize| RECONSTRUCTION[k][image] - first(FIRST[k][image]) - second(SECOND[k][image]);
            ((0..samples).map(|k| log(k).exp()).sum::<f64>() / samples as f64).ln()
        };
        -(one(0) + one(1)) / 2.0
    }

    #[test]
    fn warm_up_weights_the_terms_of_every_number_of_samples() -> Result<()> {
        let config = Config { warm_up: 4, ..Config::default() };
        for samples in [1, 2] {
            for (step, weight) in [(0, 0.25), (1, 0.5), (3, 1.0), (100, 1.0)] {
                let (loss, _) = found(samples, &config, step)?;
                let expected = by_hand(samples, |kl| weight * kl, |kl| weight * kl);
                // Rounding in f64.
                assert!((loss - expected).abs() < 1e-12, "K = {samples}, step {step}: {loss}, not {expected}");
            }
        }
        Ok(())
    }

    #[test]
    fn free_nats_take_the_gradient_of_the_terms_below_them_alone() -> Result<()> {
        // The mean of the first term is 0.5 with two samples and 0.375 with one; that of the second is 2.5.
        let config = Config { free_nats: 0.75, warm_up: 2, ..Config::default() };
        for samples in [1, 2] {
            let (loss, [first, second]) = found(samples, &config, 0)?;
            let expected = by_hand(samples, |_| 0.5 * 0.75, |kl| 0.5 * kl);
            // Here and below: rounding in f64.
            assert!((loss - expected).abs() < 1e-12, "K = {samples}: {loss}, not {expected}");
            assert!(first.iter().all(|slope| *slope == 0.0), "{first:?}");
            assert!(second.iter().all(|slope| *slope > 0.0), "{second:?}");
        }
        // What is free is compared with the mean over all samples: 0.5 by two, though the first alone has 0.375.
        let config = Config { free_nats: 0.45, ..Config::default() };
        for (samples, counts) in [(1, false), (2, true)] {
            let (_, [first, _]) = found(samples, &config, 0)?;
            assert!(first.iter().all(|slope| (*slope > 0.0) == counts), "K = {samples}: {first:?}");
        }
        let (loss, _) = found(2, &Config::default(), 0)?;
        assert!((loss - by_hand(2, |kl| kl, |kl| kl)).abs() < 1e-12);
        Ok(())
    }

    /// Log weights of two samples of two images, and what is added to them.
    const GAIN: [[f64; 2]; 2] = [[-3.0, -1.0], [-2.5, -4.0]];
    const ADDED: [[f64; 2]; 2] = [[0.25, -0.5], [1.5, 0.75]];

    /// The slope of the loss in ln q of each draw that is made by its score, `[K, B]`.
    fn slopes_of_draws(samples: usize, is_added: bool) -> Result<Vec<Vec<f64>>> {
        let rows = |rows: &[[f64; 2]; 2]| Tensor::from_slice(&rows[..samples].concat(), (samples, 2), &Device::Cpu);
        let log_q = Var::from_tensor(&rows(&FIRST)?)?;
        let added = Added { name: "ln q", scale: 2.0, value: rows(&ADDED)? };
        let terms = Terms {
            terms: vec![Term { name: "RE_x", kind: TermKind::Reconstruction, value: rows(&GAIN)? }],
            scores: vec![Score { log_q: log_q.as_tensor().clone(), baseline: None }],
            added: if is_added { vec![added] } else { Vec::new() },
            gains: Vec::new(),
        };
        let slopes = loss(&terms, &Config { samples, ..Config::default() })?.backward()?;
        Ok(slopes.get(&log_q).context("no gradient")?.to_vec2()?)
    }

    /// A draw counts by what it is better than its baseline, which the other draws make: of one sample the other image's, of two
    /// that of the same image. In a bound by two samples, that is the bound less what it would be had both samples the other's weight
    /// (VIMCO); what is added is a mean over the samples, whatever the bound is.
    #[test]
    fn draws_by_their_score_count_as_the_objective_counts_them() -> Result<()> {
        for is_added in [false, true] {
            let added = |k: usize, b: usize| if is_added { 2.0 * ADDED[k][b] } else { 0.0 };
            let one = |k: usize, b: usize| GAIN[k][b] + added(k, b);
            let of_one = |b: usize| one(0, b) - one(0, 1 - b);
            let whole = |b: usize| ((GAIN[0][b].exp() + GAIN[1][b].exp()) / 2.0).ln();
            let of_two = |k: usize, b: usize| whole(b) - GAIN[1 - k][b] + (added(k, b) - added(1 - k, b)) / 2.0;
            let wanted = [
                vec![vec![of_one(0), of_one(1)]],
                (0..2).map(|k| (0..2).map(|b| of_two(k, b)).collect()).collect::<Vec<Vec<f64>>>(),
            ];
            for (samples, wanted) in [1, 2].into_iter().zip(wanted) {
                let found = slopes_of_draws(samples, is_added)?;
                for (found, wanted) in found.concat().iter().zip(wanted.concat()) {
                    // The loss is the negative mean over two images.
                    assert!((found + wanted / 2.0).abs() < 1e-12, "K = {samples}, {is_added}: {found}, {wanted}");
                }
            }
        }
        Ok(())
    }
}
