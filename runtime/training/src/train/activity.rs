//! Active units of latents: a unit is active if its posterior mean differs between records.

use super::Config;
use crate::data::{Batches, Images};
use crate::interrupt;
use crate::params::Phase;
use crate::spec::{Spec, Variable};
use crate::{DType, Draw, Model, Noise, TermKind};
use anyhow::Result;
use serde_json::{Map, Value, json};

/// The variance over records of a unit's posterior mean above which it counts as active (Burda, Grosse, Salakhutdinov
/// 2016).
const ACTIVE: f64 = 0.01;
/// The fraction of active units below which a latent has collapsed to its prior.
const COLLAPSED: f64 = 0.01;
/// The sum of learning rates from which collapse can be judged. Initialisation gives posterior means a standard
/// deviation of about 0.01, so no unit is active at first, and a step of Adamax changes a parameter by at most the
/// learning rate.
const TRAINED: f64 = 1.0;
/// The number of records for the variance.
const PICTURES: usize = 64;

/// The units of one latent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    pub latent: String,
    pub active: usize,
    pub units: usize,
}

impl Activity {
    /// Whether almost no units are active although training was long enough: the warm-up is over, and the learning
    /// rates after it add up to 1 (500 steps at the default rate).
    pub fn collapsed(&self, config: &Config, step: usize) -> bool {
        let rate = |step| config.schedule.at(step, config.steps);
        let trained = (config.warm_up..step).scan(0.0, |sum, step| {
            *sum += rate(step);
            Some(*sum)
        });
        (self.active as f64) < COLLAPSED * self.units as f64 && trained.into_iter().any(|sum| sum >= TRAINED)
    }

    /// The form in `metrics.jsonl`.
    pub fn json(all: &[Self]) -> Value {
        let one = |activity: &Self| {
            let numbers = json!({ "active": activity.active, "units": activity.units });
            (activity.latent.clone(), numbers)
        };
        Value::Object(all.iter().map(one).collect::<Map<_, _>>())
    }
}

/// The activity of every latent with a KL term in the bound. Empty for a model without inferred latents.
///
/// # Errors
/// Data that do not fit the model, or a failed tensor operation.
pub fn measure(
    model: &dyn Model,
    spec: &Spec,
    images: &Images,
    terms: &[(&str, TermKind, f64)],
    batch: usize,
) -> Result<Vec<Activity>> {
    let Some(mode) = model.modes().iter().find(|mode| mode.name == "reconstruction") else { return Ok(Vec::new()) };
    let names = terms.iter().filter(|(_, kind, _)| *kind == TermKind::Kl).filter_map(|(name, ..)| name.split_once('_'));
    // A global variable does not differ between records.
    let differs = |name: &&str| spec.variable(name).is_none_or(|variable| !variable.is_global);
    let names = names.map(|(_, variable)| variable).filter(|name| mode.yields.contains(name));
    let names: Vec<&str> = names.filter(differs).collect();
    let before = model.params().phase();
    model.params().set_phase(Phase::Inference);
    let found = moments(model, spec, images, mode.name, &names, batch);
    model.params().set_phase(before);
    Ok(names
        .iter()
        .zip(found?)
        .map(|(name, unit)| {
            let active = unit.iter().filter(|moments| moments.variance() > ACTIVE).count();
            Activity { latent: (*name).to_owned(), active, units: unit.len() }
        })
        .collect())
}

/// The variances of the posterior means of each unit of each latent, over the records.
fn moments(
    model: &dyn Model,
    spec: &Spec,
    images: &Images,
    mode: &str,
    latents: &[&str],
    batch: usize,
) -> Result<Vec<Vec<Moments>>> {
    let params = model.params();
    let batches = Batches::new(spec, images, params.device())?;
    let latents: Vec<_> = latents.iter().filter_map(|name| spec.variable(name)).collect();
    let units = |latent: &&Variable| vec![Moments::default(); latent.shape.iter().product()];
    let mut all: Vec<Vec<Moments>> = latents.iter().map(units).collect();
    let count = PICTURES.min(images.len());
    let mut done = 0;
    while done < count {
        let size = batch.clamp(1, count - done);
        let given = batches.range(images, done, size)?;
        let found = model.run(mode, &given, size, &mut Noise::none(), &Draw::default())?;
        for (latent, units) in latents.iter().zip(&mut all) {
            let values: Vec<f32> = found.get(&latent.name)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
            let length = units.len().max(1);
            values.iter().enumerate().for_each(|(at, &value)| units[at % length].add(value.into()));
        }
        done += size;
        interrupt::check()?;
    }
    Ok(all)
}

#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Activity, Config};

    #[test]
    fn a_collapse_is_judged_once_units_could_have_become_active() {
        let of = |active| Activity { latent: "z".into(), active, units: 1024 };
        let config = Config { steps: 100_000, ..Config::default() };
        for (active, step, warm_up, collapsed) in [
            (0, 20, 0, false),
            (0, 499, 0, false),
            (0, 520, 0, true),
            (10, 520, 0, true),
            (11, 520, 0, false),
            (0, 520, 100, false),
            (0, 620, 100, true),
        ] {
            let config = Config { warm_up, ..config.clone() };
            assert_eq!(of(active).collapsed(&config, step), collapsed, "{active} at {step}, warm-up {warm_up}");
        }
        let still = Config { schedule: crate::train::Schedule { rate: 0.0, least: 0.0, ..config.schedule }, ..config };
        assert!(!of(0).collapsed(&still, 1_000_000));
    }
}
