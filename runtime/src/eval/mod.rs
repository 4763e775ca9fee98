//! How good a model is: its likelihood on pictures it has not seen.

use crate::data::{Batches, Images};
use crate::params::Phase;
use crate::spec::Spec;
use crate::train::interrupt;
use crate::{BoundOptions, DType, Model, Noise, Tensor, TermKind};
use anyhow::{Result, bail, ensure};
use serde_json::{Map, Value, json};
use std::time::Instant;

/// How the likelihood is estimated.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// K: importance samples an image. One gives the bound itself.
    pub samples: usize,
    /// Samples computed at once: what bounds memory. None is chosen by the batch.
    pub chunk: Option<usize>,
    /// Pictures computed at once.
    pub batch: usize,
    /// Pictures used; none is all.
    pub images: Option<usize>,
    pub seed: u64,
    /// Called with the pictures done and all of them.
    pub progress: &'a dyn Fn(usize, usize),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { samples: 1, chunk: None, batch: 32, images: None, seed: 1, progress: &|_, _| () }
    }
}

/// Rows (pictures times samples) computed at once where no chunk is asked for.
const ROWS: usize = 128;

/// What evaluation found.
#[derive(Debug, Clone)]
pub struct Evaluation {
    pub images: usize,
    pub samples: usize,
    /// Bits a dimension by K importance samples, with the standard error of the mean over pictures.
    pub nll: f64,
    pub standard_error: f64,
    /// Bits a dimension by the bound (the mean over samples instead of the importance weighted one).
    pub bound: f64,
    /// log p(x), nats a picture, by K importance samples.
    pub log_likelihood: f64,
    /// Nats a picture: the mean over pictures and samples.
    pub terms: Vec<(&'static str, TermKind, f64)>,
    pub seconds: f64,
}

impl Evaluation {
    pub fn images_per_second(&self) -> f64 {
        self.images as f64 / self.seconds.max(1e-9)
    }

    /// As `eval --json` prints it.
    pub fn json(&self) -> Value {
        let terms: Map<String, Value> =
            self.terms.iter().map(|&(name, _, value)| (name.to_owned(), json!(value))).collect();
        json!({
            "nll": self.nll,
            "standard_error": self.standard_error,
            "k": self.samples,
            "bound": self.bound,
            "log_likelihood": self.log_likelihood,
            "terms": terms,
            "images": self.images,
            "seconds": self.seconds,
            "images_per_s": self.images_per_second(),
        })
    }
}

/// Estimates log p of each picture by log (1/K) Σ_k p(x, z_k) / q(z_k | x), and averages over the pictures.
///
/// Leaves the parameters' phase as it was.
///
/// # Errors
/// Data the model cannot take, a likelihood that is not a number, Ctrl-C, or a failed tensor operation.
pub fn evaluate(model: &dyn Model, spec: &Spec, images: &Images, options: &Options<'_>) -> Result<Evaluation> {
    let before = model.params().phase();
    model.params().set_phase(Phase::Inference);
    let result = estimate(model, spec, images, options);
    model.params().set_phase(before);
    result
}

fn estimate(model: &dyn Model, spec: &Spec, images: &Images, options: &Options<'_>) -> Result<Evaluation> {
    ensure!(options.samples > 0, "the number of samples is 0; at least one is needed");
    let begun = Instant::now();
    let batches = Batches::new(spec, images, model.params().device())?;
    let mut noise = Noise::seeded(options.seed ^ 0x6576_616c);
    let count = options.images.unwrap_or(usize::MAX).min(images.len());
    let mut likelihoods = Vec::with_capacity(count);
    let mut terms: Vec<(&'static str, TermKind, f64)> = Vec::new();
    while likelihoods.len() < count {
        let size = options.batch.max(1).min(count - likelihoods.len());
        let batch = batches.range(images, likelihoods.len(), size)?;
        let mut sums = vec![LogSum::default(); size];
        let mut left = options.samples;
        while left > 0 {
            let chunk = options.chunk.unwrap_or((ROWS / size).max(1)).clamp(1, left);
            // With one sample the closed forms are as valid and vary less.
            let how = if options.samples == 1 { BoundOptions::default() } else { BoundOptions::importance(chunk) };
            let found = model.bound(&batch, &mut noise, &how)?;
            for (number, term) in found.terms.iter().enumerate() {
                if terms.len() == number {
                    terms.push((term.name, term.kind, 0.0));
                }
                terms[number].2 += rows(&term.value)?.iter().flatten().sum::<f64>();
            }
            for row in rows(&found.log_weights()?)? {
                sums.iter_mut().zip(row).for_each(|(sum, weight)| sum.add(weight));
            }
            left -= chunk;
            if interrupt::asked() {
                bail!(Interrupted);
            }
        }
        likelihoods.extend(sums.iter().map(LogSum::mean));
        (options.progress)(likelihoods.len(), count);
    }
    if let Some(at) = likelihoods.iter().position(|value| !value.is_finite()) {
        let broken = terms.iter().find(|(_, _, value)| !value.is_finite()).map_or("the bound", |(name, _, _)| name);
        bail!("picture {at}: its likelihood is {}; the first term that is not finite is {broken}", likelihoods[at]);
    }
    for term in &mut terms {
        term.2 /= (count * options.samples) as f64;
    }
    Ok(summary(spec, &likelihoods, terms, options.samples, begun.elapsed().as_secs_f64()))
}

fn summary(
    spec: &Spec,
    likelihoods: &[f64],
    terms: Vec<(&'static str, TermKind, f64)>,
    samples: usize,
    seconds: f64,
) -> Evaluation {
    let count = likelihoods.len() as f64;
    let mean = likelihoods.iter().sum::<f64>() / count;
    let variance = likelihoods.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let bound: f64 = terms.iter().map(|&(_, kind, value)| if kind == TermKind::Kl { -value } else { value }).sum();
    Evaluation {
        images: likelihoods.len(),
        samples,
        nll: spec.bits_per_dim(mean),
        standard_error: spec.bits_per_dim((variance / count).sqrt()).abs(),
        bound: spec.bits_per_dim(bound),
        log_likelihood: mean,
        terms,
        seconds,
    }
}

/// The rows of a `[K, B]` tensor.
fn rows(tensor: &Tensor) -> Result<Vec<Vec<f64>>> {
    Ok(tensor.to_dtype(DType::F64)?.to_vec2()?)
}

/// The end of a computation by Ctrl-C.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// log Σ exp of numbers that come one after the other.
#[derive(Debug, Clone, Copy)]
struct LogSum {
    peak: f64,
    /// Σ exp(number − peak)
    sum: f64,
    count: usize,
}

impl Default for LogSum {
    fn default() -> Self {
        Self { peak: f64::NEG_INFINITY, sum: 0.0, count: 0 }
    }
}

impl LogSum {
    fn add(&mut self, number: f64) {
        self.count += 1;
        if number > self.peak {
            self.sum = self.sum * (self.peak - number).exp() + 1.0;
            self.peak = number;
        } else if number != f64::NEG_INFINITY {
            self.sum += (number - self.peak).exp();
        }
    }

    /// log of the mean of the exponentials.
    fn mean(&self) -> f64 {
        self.peak + self.sum.ln() - (self.count as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::LogSum;

    #[test]
    fn log_sums_agree_with_the_plain_formula_far_from_zero() {
        let numbers = [-3.5, 0.25, 1.5, -40.0];
        let plain = (numbers.iter().map(|number: &f64| number.exp()).sum::<f64>() / 4.0).ln();
        for shift in [0.0, -20_000.0, 20_000.0] {
            let mut sum = LogSum::default();
            numbers.iter().for_each(|number| sum.add(number + shift));
            assert!((sum.mean() - plain - shift).abs() < 1e-9);
        }
    }

    #[test]
    fn a_nan_weight_is_not_lost() {
        let mut sum = LogSum::default();
        [0.0, f64::NAN, 1.0].iter().for_each(|&number| sum.add(number));
        assert!(sum.mean().is_nan());
    }
}
