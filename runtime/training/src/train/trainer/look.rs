//! Measurements during a run: validation, test records, active units.

use super::Trainer;
use crate::data::Images;
use crate::eval::{self, Evaluation};
use crate::progress::Display;
use crate::ranks;
use crate::train::Progress;
use crate::train::activity::{self, Activity};
use crate::train::metrics::Metrics;
use anyhow::Result;
use serde_json::json;

impl Trainer<'_> {
    pub(super) fn validation_is_due(&self) -> bool {
        let Progress { step, validated, .. } = self.progress;
        let here = step >= self.config.steps || step.is_multiple_of(self.config.validate_every.max(1));
        step > 0 && here && validated != step
    }

    /// Validates the model, keeps it if it is the best so far, and returns whether patience has run out. The checkpoint
    /// is written first, so that a failure during the validation loses no step.
    pub(super) fn validate(&mut self, metrics: &mut Metrics, display: &Display, bits: f64, rate: f64) -> Result<bool> {
        self.save()?;
        let found = self.evaluate(&self.data.validation)?;
        // The training does not depend on it, so one rank measures it; but an interrupt during it must reach all ranks.
        let measured = if self.ranks.leads() { self.measure(&found) } else { Ok(Vec::new()) };
        self.activity = ranks::agree(self.ranks, measured)?;
        let step = self.progress.step;
        self.progress.validated = step;
        let better = self.progress.best.is_none_or(|best| found.nll < best);
        if better {
            (self.progress.best, self.progress.best_step, self.progress.since_best) = (Some(found.nll), step, 0);
        } else {
            self.progress.since_best += 1;
        }
        let training = if bits.is_nan() { String::new() } else { format!("training {bits:.3}, ") };
        let speed = if rate > 0.0 { format!(", {rate:.1} {}/s", self.spec.records()) } else { String::new() };
        let note = if better { "" } else { " (not better)" };
        display.line(&format!("step {step}: {training}validation {:.3} {}{speed}{note}", found.nll, found.unit));
        let mut said = found.json();
        said["units"] = Activity::json(&self.activity);
        metrics.write(&json!({ "step": step, "validation": said }))?;
        if better {
            self.put(&self.folder.best())?;
        }
        Ok(self.config.patience.is_some_and(|patience| self.progress.since_best >= patience))
    }

    /// The score with a single sample. It has its own noise, so that it does not affect the run.
    pub(super) fn evaluate(&self, images: &Images) -> Result<Evaluation> {
        let options = eval::Options {
            samples: 1,
            images: Some(self.config.validation_images),
            batch: Some(self.config.batch),
            seed: self.config.seed,
            ranks: self.ranks,
            ..eval::Options::default()
        };
        self.averaged(|| eval::evaluate(self.model.as_ref(), self.spec, images, &options))
    }

    fn measure(&self, found: &Evaluation) -> Result<Vec<Activity>> {
        let images = &self.data.validation;
        let (model, batch) = (self.model.as_ref(), self.config.batch);
        self.averaged(|| activity::measure(model, self.spec, images, &found.terms, batch))
    }

    /// Runs `work` with the running average in place of the parameters, if there is one.
    fn averaged<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        match &self.average {
            Some(average) => average.in_place(&self.params, work),
            None => work(),
        }
    }

    /// Evaluates the last weights on the test records.
    pub(super) fn finish(&mut self, metrics: &mut Metrics, display: &Display) -> Result<()> {
        let after = self.evaluate(&self.data.test)?;
        display.line(&format!("step {}: test {:.3} {}", self.progress.step, after.nll, after.unit));
        metrics.write(&json!({ "step": self.progress.step, "test": after.json() }))?;
        self.after = Some(after);
        Ok(())
    }
}
