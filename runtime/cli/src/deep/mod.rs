//! `srvae-run check --deep`: tests laws that every correct model satisfies, in double precision.
//!
//! Parameters are those of an initialised model with small random changes, so that no law holds only at the initial
//! values. Data are random pixels, classes and numbers, because the laws hold for any data.

mod bound;
mod facts;
mod flows;
mod gradient;
mod modes;
mod steps;

use super::bench::random_batch;
use anyhow::{Context, Result};
use srvae_training::params::Phase;
use srvae_training::spec::{Role, Spec, Variable};
use srvae_training::terminal::{out, table};
use srvae_training::{BoundOptions, DType, Device, Model, Noise, Params, Tensor, Values};

/// The number of records for testing the laws.
const BATCH: usize = 2;
/// The number of records for the initialisation. With only two, a unit may have almost the same value for both. It
/// would then be scaled up by a large factor, and all later units would saturate. With this number its scale is
/// accurate to an eighth.
const FIRST_RECORDS: usize = 32;
/// The maximum multiply-accumulates of the initialisation, and of the samples for one law: some seconds.
const WORK: u64 = 100_000_000_000;
/// The size of the random changes, relative to the root mean square of the parameters.
const MOVE: f64 = 0.1;

/// A law and its result.
struct Finding {
    law: String,
    outcome: Outcome,
    /// The numbers behind the result.
    seen: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Holds,
    Broken,
    /// Too expensive, or not applicable.
    Skipped,
}

/// Names in the table of laws.
const NAMED: usize = 8;

/// Names, of which a family may have hundreds.
fn named(names: &[impl AsRef<str>]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    names.iter().take(NAMED).map(AsRef::as_ref).collect::<Vec<_>>().join(", ") + &more
}

impl Finding {
    fn new(law: impl Into<String>, holds: bool, seen: impl Into<String>) -> Self {
        let outcome = if holds { Outcome::Holds } else { Outcome::Broken };
        Self { law: law.into(), outcome, seen: seen.into() }
    }

    fn row(&self) -> Vec<String> {
        let mark = match self.outcome {
            Outcome::Holds => "holds",
            Outcome::Broken => "BROKEN",
            Outcome::Skipped => "skipped",
        };
        vec![format!("{mark:7}  {}", self.law), self.seen.clone()]
    }
}

/// A model in double precision with its data.
struct Subject<'s> {
    spec: &'s Spec,
    model: Box<dyn Model>,
    data: Values,
    /// Multiply-accumulates of the bound of one record.
    cost: u64,
    seed: u64,
}

/// The seed of one law's draws.
fn of(seed: u64, law: u64) -> u64 {
    seed.wrapping_mul(1000).wrapping_add(law)
}

/// Tests every law with the parameters, data and draws of a seed, and prints the results. Returns whether all hold.
///
/// # Errors
/// A model that cannot be built, or a failed tensor operation.
pub fn run(spec: &Spec, seed: u64) -> Result<bool> {
    let subject = Subject::new(spec, seed).context("the model could not be prepared")?;
    let mut findings = flows::laws(&subject)?;
    findings.extend(modes::laws(&subject)?);
    findings.extend(bound::laws(&subject)?);
    findings.extend(steps::laws(&subject)?);
    findings.extend(gradient::laws(&subject)?);
    let preset = spec.preset.as_ref().map_or_else(String::new, |preset| format!(", preset {preset}"));
    out(&format!("{}{preset}, in double precision", spec.name));
    out(&table(&findings.iter().map(Finding::row).collect::<Vec<_>>()));
    let broken = findings.iter().filter(|finding| finding.outcome == Outcome::Broken).count();
    match broken {
        0 => out("every law holds"),
        1 => out("one law is broken"),
        _ => out(&format!("{broken} laws are broken")),
    }
    Ok(broken == 0)
}

impl<'s> Subject<'s> {
    fn new(spec: &'s Spec, seed: u64) -> Result<Self> {
        let params = Params::new(of(seed, 1), DType::F64, &Device::Cpu);
        let (model, cost) = (spec.build(&params)?, facts::cost(spec)?);
        let mut noise = Noise::seeded(of(seed, 1));
        let data = records(spec, BATCH, &mut noise)?;
        let first = records(spec, affordable(cost, FIRST_RECORDS, BATCH), &mut noise)?;
        params.set_phase(Phase::Initialisation);
        model.bound(&first, &mut noise, &BoundOptions::default())?;
        params.set_phase(Phase::Inference);
        for (name, var) in params.entries() {
            let size = var.sqr()?.mean_all()?.to_scalar::<f64>()?.sqrt() * MOVE + 0.01;
            let step = noise.normal(&name, var.dims(), DType::F64, &Device::Cpu)?;
            var.set(&(var.as_tensor() + (step * size)?)?)?;
        }
        params.touch();
        Ok(Self { spec, model, data, cost, seed })
    }

    /// The noise of a law.
    fn noise(&self, law: u64) -> Noise {
        Noise::seeded(of(self.seed, law))
    }

    /// Samples per record for a law: `most`, or for a large model as many as take some seconds, but at least `least`.
    fn samples(&self, most: usize, least: usize) -> usize {
        affordable(self.cost.saturating_mul(BATCH as u64), most, least)
    }

    /// The bound of every sample and record, `[K, B]` nats, with the noise of a law.
    fn log_weights(&self, law: u64, options: &BoundOptions) -> Result<Tensor> {
        Ok(self.model.bound(&self.data, &mut self.noise(law), options)?.log_weights()?)
    }
}

/// The number of computations, each of `cost` multiply-accumulates, that take some seconds; at most `most` and at least
/// `least`.
fn affordable(cost: u64, most: usize, least: usize) -> usize {
    usize::try_from(WORK / cost.max(1)).unwrap_or(most).clamp(least, most)
}

/// Random data for a model: pixels, classes and numbers. Some records lack partly observed variables.
fn records(spec: &Spec, count: usize, noise: &mut Noise) -> Result<Values> {
    let device = Device::Cpu;
    let mut data = Values::new();
    for (name, value) in random_batch(spec, count, noise, &device)?.iter() {
        data.insert(name, on_the_grid(&value.to_dtype(DType::F64)?, spec, name)?);
    }
    for (at, variable) in spec.variables.iter().filter(|variable| variable.role == Role::Partly).enumerate() {
        // A family over the length lacks other steps in every record.
        let steps = if variable.steps { variable.shape[0] } else { 1 };
        let has = |place: usize| f64::from(u8::from((at + place / steps + place % steps).is_multiple_of(2)));
        let present: Vec<f64> = (0..count * steps).map(has).collect();
        let dims = if variable.steps { vec![count, steps] } else { vec![count] };
        data.insert(&Values::presence_of(&variable.name), Tensor::from_vec(present, dims, &device)?);
    }
    if let Some((length, steps)) = length(spec) {
        data.insert(&length.name, Tensor::from_vec(lengths(steps, count), (count, 1), &device)?);
    }
    Ok(data)
}

/// The length variable and the maximum number of steps.
fn length(spec: &Spec) -> Option<(&Variable, usize)> {
    spec.variables.iter().find_map(|variable| Some((variable, spec.steps(variable)?)))
}

/// The number of steps of each record, decreasing by one from record to record.
fn lengths(steps: usize, count: usize) -> Vec<f64> {
    (0..count).map(|record| steps.saturating_sub(record).max(1) as f64).collect()
}

/// Pixels k/255 in double precision, because single precision is not exact enough.
fn on_the_grid(value: &Tensor, spec: &Spec, name: &str) -> Result<Tensor> {
    let is_image = spec.variable(name).is_some_and(|variable| variable.space == srvae_training::spec::Space::Image);
    Ok(if is_image { ((value * 255.0)?.round()? / 255.0)? } else { value.clone() })
}

/// The mean, and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    (mean, (variance / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ModelArgs;
    use crate::models;
    use srvae_training::{Decode, Draw};
    use std::path::Path;

    /// A classifier of many pixels with a hidden layer.
    const CLASSIFIER: &str = "model m\nobserved x: binary[784]\npartly observed y: label[10]\nlatent z: real[2]\n\
        p(y) = categorical\np(z) = standard_normal\np(x | y, z) = bernoulli from concat(y, z) |> linear\n\
        q(y | x) = categorical from x |> linear(out: 500) |> softplus |> linear\n\
        q(z | x, y) = normal from concat(x, y) |> linear\ndraw y = enumerate\n";

    /// No unit is scaled up because the first records happen to give it almost the same value. Later units would then
    /// saturate, and would have neither a gradient nor draws that depend on anything.
    #[test]
    fn nothing_saturates_at_the_start() {
        let found = models::of_text(&[], Path::new("m.pgm"), CLASSIFIER).unwrap();
        let spec = found.spec(&ModelArgs::default()).unwrap();
        let subject = Subject::new(&spec, 0).unwrap();
        let (_, scales) =
            subject.model.params().entries().into_iter().find(|(_, var)| var.dims() == [500, 1, 1, 1]).unwrap();
        let mut scales = scales.abs().unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        scales.sort_by(f64::total_cmp);
        // A scale of about 0.02 was changed by 0.012, so the largest of 500 is about three times the median; two
        // records would give a factor of hundreds.
        assert!(scales[499] < 10.0 * scales[250], "{} beside {}", scales[499], scales[250]);
        let mode = subject.model.modes().iter().find(|mode| mode.yields == ["y"]).unwrap();
        let draw = Draw { decode: Decode::Mean, ..Draw::default() };
        let given = Values::new().with("x", subject.data.get("x").unwrap().clone());
        let drawn = subject.model.run(mode.name, &given, BATCH, &mut Noise::seeded(1), &draw).unwrap();
        let surest = drawn.get("y").unwrap().max(1).unwrap().to_vec1::<f64>().unwrap();
        assert!(surest.iter().all(|&probability| probability < 0.9), "{surest:?}");
    }
}
