//! A run from its first step to its end.

use super::step::Step;
use super::{End, Trainer, interruptible};
use crate::interrupt;
use crate::progress::Display;
use crate::train::RunFolder;
use crate::train::metrics::Metrics;
use anyhow::Result;
use serde_json::json;
use std::time::Instant;

impl Trainer<'_> {
    /// Evaluates the model on the test records before the first step, unless this is already known. It writes nothing,
    /// so that a failure at the start leaves no run folder.
    ///
    /// # Errors
    /// A likelihood that is not a number, Ctrl-C, or a failed tensor operation.
    pub fn begin(&mut self) -> Result<()> {
        if self.progress.step == 0 && self.progress.before.is_none() {
            let before = self.evaluate(&self.data.test)?;
            self.progress.before = Some(before.nll);
            self.before = Some(before);
        }
        Ok(())
    }

    /// Replaces the run's folder from here on.
    pub fn set_folder(&mut self, folder: RunFolder) {
        self.folder = folder;
    }

    /// Trains until the last step or another end. Checkpoints and metrics are then in the run folder, which is locked
    /// as long as the trainer lives.
    ///
    /// # Errors
    /// A folder that another process trains into, that cannot be written, or that was moved or deleted; a loss that is
    /// not a number; a failed tensor operation.
    pub fn run(&mut self) -> Result<End> {
        interrupt::listen();
        let mut metrics = Metrics::none();
        if self.ranks.leads() {
            self.folder = self.folder.clone().locked()?;
            self.folder.sweep();
            metrics = Metrics::open(&self.folder.metrics(), |line| self.keeps(line))?;
        }
        self.seconds = metrics.seconds();
        let display = Display::new("training", self.progress.step, self.config.steps);
        let end = interruptible(self.work(&mut metrics, &display))?;
        self.save()?;
        if end == End::Interrupted {
            return Ok(end);
        }
        interruptible(self.finish(&mut metrics, &display).map(|()| end))
    }

    fn work(&mut self, metrics: &mut Metrics, display: &Display) -> Result<End> {
        self.begin()?;
        // A first checkpoint, so that an error of the folder shows now, not after hours.
        if let Some(before) = self.before.take() {
            display.line(&format!("step 0: test {:.3} {}", before.nll, before.unit));
            metrics.write(&json!({ "step": 0, "test": before.json() }))?;
            self.save()?;
        }
        let end = self.steps(metrics, display)?;
        // The last weights are compared with the best ones at any end but an interrupt.
        if end != End::Interrupted && self.progress.validated != self.progress.step {
            self.validate(metrics, display, f64::NAN, f64::NAN)?;
        }
        Ok(end)
    }

    fn steps(&mut self, metrics: &mut Metrics, display: &Display) -> Result<End> {
        self.begun = Instant::now();
        let mut shown = Shown { score: f64::NAN, rate: 0.0, step: self.progress.step, seconds: self.seconds };
        // A run that was interrupted in a validation repeats it.
        if self.validation_is_due() && self.validate(metrics, display, shown.score, shown.rate)? {
            return Ok(End::Patience);
        }
        while self.progress.step < self.config.steps {
            let step = self.step()?;
            if let Some(step) = &step {
                shown = self.show(step, &shown, metrics, display)?;
            }
            self.bound_skips()?;
            let number = self.progress.step;
            let mut patience_over = false;
            if self.validation_is_due() {
                patience_over = self.validate(metrics, display, shown.score, shown.rate)?;
            } else if number.is_multiple_of(self.config.checkpoint_every.max(1)) {
                self.save()?;
            }
            let (asked, over) = step.map_or((false, false), |step| (step.asked, step.over));
            if asked {
                return Ok(End::Interrupted);
            }
            if patience_over {
                return Ok(End::Patience);
            }
            if over && number < self.config.steps {
                return Ok(End::Time);
            }
        }
        Ok(End::Done)
    }

    /// Shows a step whose values were read, and writes it to the metrics if a line is due. `before` is the one before.
    fn show(&self, step: &Step, before: &Shown, metrics: &mut Metrics, display: &Display) -> Result<Shown> {
        let (number, seconds, unit) = (self.progress.step, self.seconds, self.spec.unit());
        let records = (number - before.step) * self.config.batch;
        let (score, rate) = (self.spec.score(step.terms.bound()), records as f64 / (seconds - before.seconds));
        let skipped = self.skipped();
        display.set(number, format!("{score:.3} {unit}, {rate:.1} {}/s{skipped}", self.spec.records()));
        if let Some(reason) = &step.skipped {
            display.line(&format!("{reason}; this update is skipped{skipped}"));
        }
        let log_every = (self.config.steps / 1000).max(1);
        if number / log_every > before.step / log_every || step.skipped.is_some() {
            metrics.write(&step.json(number, seconds, (unit, score), rate, self.progress.skipped))?;
        }
        Ok(Shown { score, rate, step: number, seconds })
    }
}

/// The last step whose values were read.
struct Shown {
    /// Its bound, in the model's unit.
    score: f64,
    /// Records per second since the one before it.
    rate: f64,
    step: usize,
    /// Training time up to it.
    seconds: f64,
}
