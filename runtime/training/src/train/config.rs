//! The configuration of a training run.

use crate::data::Split;
use crate::ops::cuda::Precision;
use serde::{Deserialize, Serialize};

/// All options that affect the result of a training run, besides the model and the data.
///
/// The defaults are the paper's, except for the number of steps and the batch, which are for short runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub steps: usize,
    pub batch: usize,
    /// The size of a micro-batch in records, if gradients are summed over several. It determines the order of sums, for
    /// any number of ranks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    pub seed: u64,
    /// The number of training records for the data-dependent initialisation.
    pub init_images: usize,
    pub schedule: Schedule,
    /// Samples of the latents per record. More than one trains the importance-weighted bound.
    pub samples: usize,
    /// Whether to mirror and shift training images.
    pub augment: bool,
    pub split: Split,
    /// The norm of the whole gradient above which it is scaled down.
    pub clip: Option<f64>,
    /// Updates with a larger or non-finite gradient norm are skipped.
    pub skip_above: Option<f64>,
    /// The maximum number of skipped updates in a row. In total, it plus a tenth of all steps.
    pub skip_limit: usize,
    /// The decay of the running average of the parameters, which is evaluated in their place.
    pub average: Option<f64>,
    /// Steps over which the weight of the KL terms rises from 0 to 1.
    pub warm_up: usize,
    /// Free nats for each KL term.
    pub free_nats: f64,
    /// The number of validations without improvement after which training ends.
    pub patience: Option<usize>,
    /// Steps between validations.
    pub validate_every: usize,
    /// The number of validation records that are used.
    pub validation_images: usize,
    /// Steps between checkpoints.
    pub checkpoint_every: usize,
    /// The maximum training time in minutes.
    pub minutes: Option<f64>,
    /// On a GPU, record a step once as a CUDA graph and replay it.
    pub graph: bool,
    /// The number format of GEMMs and of kept activations.
    #[serde(with = "by_name")]
    pub precision: Precision,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            steps: 300,
            batch: 32,
            micro_batch: None,
            seed: 1,
            init_images: 256,
            schedule: Schedule::default(),
            samples: 1,
            augment: false,
            split: Split::default(),
            clip: None,
            skip_above: None,
            skip_limit: 10,
            average: None,
            warm_up: 0,
            free_nats: 0.0,
            patience: None,
            validate_every: 50,
            validation_images: 256,
            checkpoint_every: 50,
            minutes: None,
            graph: false,
            precision: Precision::F32,
        }
    }
}

impl Config {
    /// Settings for short runs of a small model: many small steps at twice the paper's rate give the best result in a
    /// few minutes. srVAE's `quick` on the built-in scenes reaches 6.2 bits/dim; after 246 steps of 32 at the paper's
    /// rate it had 7.4.
    pub fn first_look() -> Self {
        let schedule = Schedule { rate: 4e-3, ..Schedule::default() };
        Self { steps: 1600, batch: 8, schedule, ..Self::default() }
    }
}

/// A precision as its name.
mod by_name {
    use super::Precision;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(precision: &Precision, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(precision.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Precision, D::Error> {
        let name = String::deserialize(from)?;
        let found = Precision::ALL.into_iter().find(|one| one.name() == name);
        found.ok_or_else(|| D::Error::custom(format!("there is no precision `{name}`; there are f32, tf32 and bf16")))
    }
}

/// The learning rate schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    pub kind: ScheduleKind,
    /// The rate at the first step.
    pub rate: f64,
    /// The factor per step, for the exponential schedule.
    pub decay: f64,
    /// The minimum rate.
    pub least: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// rate · decay^step, as in the paper.
    Exponential,
    /// Half a cosine from the first to the last step.
    Cosine,
    Constant,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { kind: ScheduleKind::Exponential, rate: 2e-3, decay: 0.999_999, least: 1e-4 }
    }
}

impl Schedule {
    /// The rate at a step (counted from 0) of a total number.
    pub fn at(&self, step: usize, steps: usize) -> f64 {
        let rate = match self.kind {
            ScheduleKind::Exponential => self.rate * self.decay.powi(i32::try_from(step).unwrap_or(i32::MAX)),
            ScheduleKind::Cosine => {
                let part = (step as f64 / steps.max(1) as f64).min(1.0);
                self.least + (self.rate - self.least) * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
            }
            ScheduleKind::Constant => self.rate,
        };
        rate.max(self.least.min(self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Precision, Schedule, ScheduleKind};

    #[test]
    fn a_precision_is_kept_by_its_name() {
        for precision in Precision::ALL {
            let kept = serde_json::to_value(Config { precision, ..Config::default() }).unwrap();
            assert_eq!(kept["precision"], precision.name());
            assert_eq!(serde_json::from_value::<Config>(kept).unwrap().precision, precision);
        }
        let other = serde_json::from_str::<Config>("{\"precision\": \"f16\"}").unwrap_err().to_string();
        assert!(other.contains("no precision `f16`"), "{other}");
    }

    #[test]
    fn rates_are_those_of_their_schedule() {
        let of = |kind| Schedule { kind, rate: 0.01, decay: 0.5, least: 0.002 };
        let rates = |schedule: Schedule, steps: [usize; 4]| steps.map(|step| schedule.at(step, 100));
        assert_eq!(rates(of(ScheduleKind::Constant), [0, 1, 100, 200]), [0.01; 4]);
        // Halved at every step, but at least 0.002.
        assert_eq!(rates(of(ScheduleKind::Exponential), [0, 1, 2, 3]), [0.01, 0.005, 0.0025, 0.002]);
        // Half a cosine from 0.01 to 0.002, which remains after the last step.
        for (found, wanted) in
            rates(of(ScheduleKind::Cosine), [0, 50, 100, 150]).into_iter().zip([0.01, 0.006, 0.002, 0.002])
        {
            // Rounding of the cosine.
            assert!((found - wanted).abs() < 1e-15, "{found} {wanted}");
        }
        // A rate below the least one is kept.
        for kind in [ScheduleKind::Constant, ScheduleKind::Exponential, ScheduleKind::Cosine] {
            assert_eq!(Schedule { rate: 0.001, ..of(kind) }.at(0, 100), 0.001);
        }
    }
}
