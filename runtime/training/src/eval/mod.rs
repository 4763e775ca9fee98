//! Evaluation of a model: its likelihood on records that it was not trained on.

mod encode;
mod log_sum;

use crate::data::{Batches, Images};
use crate::interrupt;
use crate::params::Phase;
use crate::ranks::{self, ALONE, Communicator};
use crate::spec::{Spec, Variable};
use crate::{BoundOptions, DType, Model, Noise, Tensor, TermKind};
use anyhow::{Result, bail, ensure};
pub use encode::{Encoding, encode, impute, imputed, inferred};
pub use log_sum::LogSum;
use serde_json::{Map, Value, json};
use std::time::Instant;

/// Options of the likelihood estimate.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// K, the number of importance samples per record. With K = 1 the estimate is the bound.
    pub samples: usize,
    /// Samples of a record computed at once. With the batch this limits memory; it does not change the results.
    pub chunk: Option<usize>,
    /// Records computed at once.
    pub batch: Option<usize>,
    /// Rows (records times samples) computed at once if `chunk` or `batch` is not given. It does not change the
    /// results.
    pub rows: usize,
    /// The number of records. None means all.
    pub images: Option<usize>,
    pub seed: u64,
    /// The ranks that share the work. All evaluate with the same options and get the same results.
    pub ranks: &'a dyn Communicator,
    /// Called with the number of finished records and of all records.
    pub progress: &'a dyn Fn(usize, usize),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            samples: 1,
            chunk: None,
            batch: None,
            rows: ROWS,
            images: None,
            seed: 1,
            ranks: &ALONE,
            progress: &|_, _| (),
        }
    }
}

/// The default maximum of rows (records times samples) computed at once.
pub const ROWS: usize = 128;
/// The default maximum of records computed at once.
const BATCH: usize = 32;

impl Options<'_> {
    /// The numbers of records and samples per portion. Values that do not depend on the sample are computed once per
    /// portion, so portions have many samples rather than many records.
    pub fn portion(&self) -> (usize, usize) {
        let (samples, rows) = (self.samples.max(1), self.rows.max(1));
        match (self.batch, self.chunk) {
            (Some(batch), Some(chunk)) => (batch.max(1), chunk.clamp(1, samples)),
            (Some(batch), None) => (batch.max(1), (rows / batch.max(1)).clamp(1, samples)),
            (None, chunk) => {
                let chunk = chunk.unwrap_or(rows / 2).clamp(1, samples);
                ((rows / chunk).clamp(1, BATCH), chunk)
            }
        }
    }
}

/// The results of an evaluation.
#[derive(Debug, Clone)]
pub struct Evaluation {
    pub images: usize,
    pub samples: usize,
    /// From K importance samples, with the standard error of the mean over records.
    pub nll: f64,
    /// From the first 1, 10, 100, … samples, and from all.
    pub by_samples: Vec<(usize, f64)>,
    /// None for a single record.
    pub standard_error: Option<f64>,
    /// The unit of these four: bits/dim if images are observed, else nats.
    pub unit: &'static str,
    /// From the bound (the mean over samples instead of the importance-weighted one).
    pub bound: f64,
    /// log p(x), nats per record, from K importance samples.
    pub log_likelihood: f64,
    /// Nats per record: the mean over records and samples.
    pub terms: Vec<(&'static str, TermKind, f64)>,
    /// The mean number of steps of a record, for sequences.
    pub steps: Option<f64>,
    /// The results of each record, in order.
    pub records: Records,
    pub seconds: f64,
}

/// The results of each record, in nats.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// The number of each record in its data set, from 0.
    pub numbers: Vec<usize>,
    /// From K importance samples.
    pub log_likelihood: Vec<f64>,
    /// The terms of the bound, averaged over samples.
    pub terms: Vec<(&'static str, TermKind, Vec<f64>)>,
}

impl Records {
    /// The record's number in its data set, the likelihood, the bound and each of its terms as columns.
    pub fn columns(&self) -> Vec<(String, Vec<f64>)> {
        let mut bound = vec![0.0; self.log_likelihood.len()];
        for (_, kind, values) in &self.terms {
            let sign = if *kind == TermKind::Kl { -1.0 } else { 1.0 };
            bound.iter_mut().zip(values).for_each(|(sum, value)| *sum += sign * value);
        }
        let terms = self.terms.iter().map(|(name, _, values)| ((*name).to_owned(), values.clone()));
        let numbers = self.numbers.iter().map(|&number| number as f64).collect();
        [
            ("number".to_owned(), numbers),
            ("log_likelihood".to_owned(), self.log_likelihood.clone()),
            ("bound".to_owned(), bound),
        ]
        .into_iter()
        .chain(terms)
        .collect()
    }
}

impl Evaluation {
    pub fn images_per_second(&self) -> f64 {
        self.images as f64 / self.seconds.max(1e-9)
    }

    /// The output of `eval --json`.
    pub fn json(&self) -> Value {
        let terms: Map<String, Value> =
            self.terms.iter().map(|&(name, _, value)| (name.to_owned(), json!(value))).collect();
        let mut found = json!({
            "nll": self.nll,
            "nll_by_samples": self.by_samples.iter().map(|(k, nll)| (k.to_string(), json!(nll))).collect::<Map<_, _>>(),
            "standard_error": self.standard_error,
            "unit": self.unit,
            "k": self.samples,
            "bound": self.bound,
            "log_likelihood": self.log_likelihood,
            "terms": terms,
            "images": self.images,
            "seconds": self.seconds,
            "images_per_s": self.images_per_second(),
        });
        if let (Some(steps), Some(nats)) = (self.steps, self.nats_per_step()) {
            (found["steps"], found["nats_per_step"]) = (json!(steps), json!(nats));
        }
        found
    }

    /// For sequences, the sum of −log p(x) divided by the sum of steps.
    pub fn nats_per_step(&self) -> Option<f64> {
        self.steps.map(|steps| -self.log_likelihood / steps)
    }
}

/// Estimates log p of each record by log (1/K) Σ_k p(x, z_k) / q(z_k | x), and averages over the records.
///
/// The phase of the parameters is restored.
///
/// # Errors
/// Data that do not fit the model, a likelihood that is not a number, Ctrl-C, or a failed tensor operation.
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
    let count = options.images.unwrap_or(usize::MAX).min(images.len());
    ensure!(count > 0, "there are no records to evaluate on");
    let milestones = milestones(options.samples);
    let pass = Pass { model, batches: &batches, images, options, milestones: &milestones };
    let Found { mut records, by_samples } = pass.all()?;
    records.numbers = (0..count).map(|index| images.number(index)).collect();
    for (_, _, values) in &mut records.terms {
        values.iter_mut().for_each(|value| *value /= options.samples as f64);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count as f64;
    let terms: Vec<_> = records.terms.iter().map(|(name, kind, values)| (*name, *kind, mean(values))).collect();
    if let Some(at) = records.log_likelihood.iter().position(|value| !value.is_finite()) {
        let broken = terms.iter().find(|(_, _, value)| !value.is_finite()).map_or("the bound", |(name, _, _)| name);
        let value = records.log_likelihood[at];
        bail!("record {at}: its likelihood is {value}; the first term that is not finite is {broken}");
    }
    let by_samples: Vec<f64> = by_samples.iter().map(|sum| spec.score(sum / count as f64)).collect();
    Ok(Evaluation {
        samples: options.samples,
        steps: mean_steps(spec, images, count),
        by_samples: milestones.into_iter().zip(by_samples).collect(),
        seconds: begun.elapsed().as_secs_f64(),
        ..summary(spec, records, terms)
    })
}

/// The mean number of steps of the first records. None if they are not sequences.
fn mean_steps(spec: &Spec, images: &Images, count: usize) -> Option<f64> {
    let lengths = images.lengths(&Variable::length(&spec.variables)?.name)?;
    Some(lengths.iter().take(count).map(|&steps| steps as f64).sum::<f64>() / count as f64)
}

/// 1, 10, 100, … and the number of samples.
fn milestones(samples: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1usize), |power| power.checked_mul(10));
    powers.take_while(|&power| power < samples).chain([samples]).collect()
}

/// The common part of all portions of an evaluation.
struct Pass<'a> {
    model: &'a dyn Model,
    batches: &'a Batches,
    images: &'a Images,
    options: &'a Options<'a>,
    milestones: &'a [usize],
}

/// The results of a portion of the records.
#[derive(Default)]
struct Portion {
    names: Vec<(&'static str, TermKind)>,
    /// log p of each record; each term's sum over samples for each record; at each milestone the sum over records.
    numbers: Vec<f64>,
}

impl Pass<'_> {
    /// The results of all portions, in order, from all ranks.
    fn all(&self) -> Result<Found> {
        let (options, count, (batch, _)) = (self.options, self.count(), self.options.portion());
        let portions = count.div_ceil(batch);
        let size = |portion: usize| batch.min(count - portion * batch);
        // A rank without portions computes one anyway, to know the terms.
        let mut names = match options.ranks.rank() >= portions {
            true => self.portion(0, size(0))?.names,
            false => Vec::new(),
        };
        let mut found = Found { records: Records::default(), by_samples: vec![0.0; self.milestones.len()] };
        let work = |portion: usize| {
            let portion = self.portion(portion * batch, size(portion))?;
            names.clone_from(&portion.names);
            Ok(ranks::of_doubles(&portion.numbers))
        };
        ranks::in_order(options.ranks, portions, work, |portion, bytes| {
            found.add(size(portion), &ranks::doubles(bytes));
            (options.progress)(portion * batch + size(portion), count);
            Ok(())
        })?;
        found.records.terms.iter_mut().zip(&names).for_each(|(term, &(name, kind))| (term.0, term.1) = (name, kind));
        Ok(found)
    }

    /// The results of `size` records.
    fn portion(&self, begin: usize, size: usize) -> Result<Portion> {
        let Self { model, options, .. } = self;
        let data = self.batches.range(self.images, begin, size)?;
        let (_, chunk) = options.portion();
        let mut sums = vec![LogSum::default(); size];
        let mut terms: Vec<Vec<f64>> = Vec::new();
        let mut by_samples = Vec::with_capacity(self.milestones.len());
        let mut found = Portion::default();
        let mut done = 0;
        while done < options.samples {
            let chunk = chunk.min(options.samples - done);
            // With one sample, the closed forms are valid too and have less variance.
            let how = if options.samples == 1 { BoundOptions::default() } else { BoundOptions::importance(chunk) };
            let mut noise = Noise::of_rows(options.seed ^ 0x6576_616c, done..done + chunk, begin..begin + size);
            let mut bound = model.bound(&data, &mut noise, &how)?;
            self.images.own_units(&mut bound, &data)?;
            found.names = bound.terms.iter().map(|term| (term.name, term.kind)).collect();
            terms.resize(bound.terms.len(), vec![0.0; size]);
            for (term, sums) in bound.terms.iter().zip(&mut terms) {
                for row in rows(&term.value)? {
                    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
            }
            if done == 0 {
                // One sample estimates the bound, also where importance weights are sums over enumerated values.
                by_samples.extend(rows(&bound.bounds()?)?.first().map(|row| row.iter().sum::<f64>()));
            }
            for row in rows(&bound.log_weights()?)? {
                sums.iter_mut().zip(row).for_each(|(sum, weight)| sum.add(weight));
                done += 1;
                if done > 1 && self.milestones.contains(&done) {
                    by_samples.push(sums.iter().map(LogSum::mean).sum::<f64>());
                }
            }
            (options.progress)(begin + (size as f64 * done as f64 / options.samples as f64) as usize, self.count());
            interrupt::check()?;
        }
        found.numbers = sums.iter().map(LogSum::mean).chain(terms.concat()).chain(by_samples).collect();
        Ok(found)
    }

    fn count(&self) -> usize {
        self.options.images.unwrap_or(usize::MAX).min(self.images.len())
    }
}

/// The accumulated results.
struct Found {
    /// For terms, the sums over samples.
    records: Records,
    /// Sums over records at each milestone.
    by_samples: Vec<f64>,
}

impl Found {
    /// Adds the results of the next portion.
    fn add(&mut self, size: usize, numbers: &[f64]) {
        let (pictures, sums) = numbers.split_at(numbers.len() - self.by_samples.len());
        self.by_samples.iter_mut().zip(sums).for_each(|(sum, more)| *sum += more);
        let mut columns = pictures.chunks(size);
        self.records.log_likelihood.extend(columns.next().unwrap_or_default());
        for (number, column) in columns.enumerate() {
            if self.records.terms.len() == number {
                self.records.terms.push(("", TermKind::Kl, Vec::new()));
            }
            self.records.terms[number].2.extend(column);
        }
    }
}

fn summary(spec: &Spec, records: Records, terms: Vec<(&'static str, TermKind, f64)>) -> Evaluation {
    let likelihoods = &records.log_likelihood;
    let count = likelihoods.len() as f64;
    let mean = likelihoods.iter().sum::<f64>() / count;
    let squares = likelihoods.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let error = (likelihoods.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt());
    let bound: f64 = terms.iter().map(|&(_, kind, value)| if kind == TermKind::Kl { -value } else { value }).sum();
    Evaluation {
        images: likelihoods.len(),
        samples: 1,
        by_samples: Vec::new(),
        nll: spec.score(mean),
        standard_error: error.map(|error| spec.score(error).abs()),
        bound: spec.score(bound),
        unit: spec.unit(),
        log_likelihood: mean,
        terms,
        steps: None,
        records,
        seconds: 0.0,
    }
}

/// The rows of a `[K, B]` tensor.
fn rows(tensor: &Tensor) -> Result<Vec<Vec<f64>>> {
    Ok(tensor.to_dtype(DType::F64)?.to_vec2()?)
}
