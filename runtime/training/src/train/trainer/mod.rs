//! The training loop.

mod keep;
mod look;
mod step;

use super::activity::Activity;
use super::average::Average;
use super::metrics::Metrics;
use super::optimiser::Optimiser;
use super::progress::Display;
use super::{Checkpoint, Config, Interrupted, Progress, Replay, RunFolder, interrupt, restore};
use crate::data::{Batches, Data, Order};
use crate::eval::Evaluation;
use crate::params::Phase;
use crate::spec::Spec;
use crate::terminal::note;
use crate::{BoundOptions, DType, Device, Model, Noise, Params};
use anyhow::{Context, Result};
use serde_json::json;
use std::time::Instant;

/// Why training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every step was taken.
    Done,
    /// Validation got no better for long enough.
    Patience,
    /// The time was up.
    Time,
    /// Ctrl-C.
    Interrupted,
}

/// Ctrl-C as an end like another.
fn interruptible(end: Result<End>) -> Result<End> {
    match end {
        Err(error) if error.is::<Interrupted>() => Ok(End::Interrupted),
        end => end,
    }
}

/// A run: a model, its data, and everything that changes from step to step.
pub struct Trainer<'a> {
    spec: &'a Spec,
    data: &'a Data,
    /// `--data` as it was given.
    source: String,
    config: Config,
    folder: RunFolder,
    params: Params,
    model: Box<dyn Model>,
    optimiser: Optimiser,
    average: Option<Average>,
    batches: Batches,
    order: Order,
    noise: Noise,
    progress: Progress,
    /// Under `--graph`, from the first step on that can be recorded.
    replay: Option<Replay>,
    /// Spent in training steps. Not part of the progress: the same run twice leaves the same checkpoints.
    seconds: f64,
    before: Option<Evaluation>,
    after: Option<Evaluation>,
    /// At the last validation.
    activity: Vec<Activity>,
}

impl<'a> Trainer<'a> {
    /// A new run: the model is built and initialised on the first training pictures, as many as the configuration says.
    ///
    /// # Errors
    /// Data the model cannot take, or a failed tensor operation.
    pub fn new(
        spec: &'a Spec,
        data: &'a Data,
        source: &str,
        config: Config,
        folder: RunFolder,
        device: &Device,
    ) -> Result<Self> {
        let trainer = Self::build(spec, data, source, config, folder, device)?;
        let mut order = trainer.order.clone();
        let count = trainer.config.init_images.min(data.train.len()).max(1);
        let first = trainer.batches.take(&data.train, &order.next(count), None)?;
        trainer.params.set_phase(Phase::Initialisation);
        let outcome = trainer.model.bound(&first, &mut Noise::seeded(trainer.config.seed), &BoundOptions::default());
        trainer.params.set_phase(Phase::Training);
        trainer.params.touch();
        outcome.context("the model could not be initialised on the first training pictures")?;
        warn_of_flat_channels(&trainer.params, count)?;
        // The average begins at what initialisation left, not at what it started from.
        Ok(Self {
            average: trainer.config.average.map(|decay| Average::new(&trainer.params, decay)).transpose()?,
            ..trainer
        })
    }

    /// A run that goes on where a checkpoint left it.
    ///
    /// # Errors
    /// A checkpoint of another model, or one that does not fit.
    pub fn resume(
        spec: &'a Spec,
        data: &'a Data,
        checkpoint: &Checkpoint,
        config: Config,
        folder: RunFolder,
        device: &Device,
    ) -> Result<Self> {
        let path = folder.last();
        checkpoint.check_model(&spec.name, &spec.source, &spec.settings, &path)?;
        // Data that were moved are known by where they lie now.
        let source = data.kept.as_ref().map_or(&checkpoint.header.data, |kept| &kept.source);
        let mut trainer = Self::build(spec, data, source, config, folder, device)?;
        let place = path.display().to_string();
        restore(&trainer.params, &checkpoint.group("param"), &place)?;
        trainer.progress = checkpoint.header.progress.clone();
        let updates = trainer.progress.step - trainer.progress.skipped;
        trainer.optimiser.restore(&checkpoint.group("optimiser"), updates).with_context(|| place)?;
        if let Some(decay) = trainer.config.average {
            let mut average = Average::new(&trainer.params, decay)?;
            average.resume(checkpoint.group("average"));
            trainer.average = Some(average);
        }
        trainer.order = Order::new(data.train.len(), trainer.config.seed, trainer.progress.order);
        let (seed, counter) = trainer.progress.noise;
        trainer.noise = Noise::at(seed, counter);
        Ok(trainer)
    }

    fn build(
        spec: &'a Spec,
        data: &'a Data,
        source: &str,
        config: Config,
        folder: RunFolder,
        device: &Device,
    ) -> Result<Self> {
        let params = Params::new(config.seed, DType::F32, device);
        let model = spec.build(&params).context("the model could not be built")?;
        let optimiser = Optimiser::new(&params)?;
        let batches = Batches::new(spec, &data.train, device)?;
        let order = Order::new(data.train.len(), config.seed, 0);
        let noise = Noise::seeded(config.seed ^ 0x006e_6f69_7365);
        let (source, progress) = (source.to_owned(), Progress::default());
        Ok(Self {
            spec,
            data,
            source,
            config,
            folder,
            params,
            model,
            optimiser,
            average: None,
            batches,
            order,
            noise,
            progress,
            replay: None,
            seconds: 0.0,
            before: None,
            after: None,
            activity: Vec::new(),
        })
    }

    pub fn model(&self) -> &dyn Model {
        self.model.as_ref()
    }

    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What the test pictures said after the last step.
    pub fn after(&self) -> Option<&Evaluation> {
        self.after.as_ref()
    }

    /// How much of each latent was in use at the last validation.
    pub fn activity(&self) -> &[Activity] {
        &self.activity
    }

    /// Seconds spent in training steps.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Training pictures a second, from the first step on.
    pub fn images_per_second(&self) -> f64 {
        (self.progress.step * self.config.batch) as f64 / self.seconds.max(1e-9)
    }

    /// The test pictures' bits/dim before the first step, where it is not known yet. Writes nothing: a start that fails shows
    /// before there is a run folder.
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

    /// The run's folder from here on, in place of that which it was made with.
    pub fn set_folder(&mut self, folder: RunFolder) {
        self.folder = folder;
    }

    /// Trains until the last step, or until something ends it. Checkpoints and metrics lie in the run folder then, which is
    /// locked as long as the trainer lives.
    ///
    /// # Errors
    /// A folder that another process trains into, that cannot be written to, or that was moved or deleted meanwhile; a loss
    /// that is not a number; a failed tensor operation.
    pub fn run(&mut self) -> Result<End> {
        interrupt::listen();
        self.folder = self.folder.clone().locked()?;
        self.folder.sweep();
        let mut metrics = Metrics::open(&self.folder.metrics(), |line| self.keeps(line))?;
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
        // A first checkpoint: an error of the folder shows now, not after hours.
        if let Some(before) = self.before.take() {
            display.line(&format!("step 0: test {:.3} {}", before.nll, before.unit));
            metrics.write(&json!({ "step": 0, "test": before.json() }))?;
            self.save()?;
        }
        let end = self.steps(metrics, display)?;
        // Whatever ends a run, its last weights are compared with the best.
        if end != End::Interrupted && self.progress.validated != self.progress.step {
            self.validate(metrics, display, f64::NAN, f64::NAN)?;
        }
        Ok(end)
    }

    fn steps(&mut self, metrics: &mut Metrics, display: &Display) -> Result<End> {
        let begun = Instant::now();
        let log_every = (self.config.steps / 1000).max(1);
        let (mut bits, mut rate, mut looked) = (f64::NAN, 0.0, (self.progress.step, self.seconds));
        // A run that was cut off in a validation goes on with it.
        if self.validation_is_due() && self.validate(metrics, display, bits, rate)? {
            return Ok(End::Patience);
        }
        while self.progress.step < self.config.steps {
            let step = self.step()?;
            let (number, seconds) = (self.progress.step, self.seconds);
            let seen = step.is_some();
            if let Some(step) = step {
                let pictures = (number - looked.0) * self.config.batch;
                (bits, rate) = (self.spec.score(step.terms.bound()), pictures as f64 / (seconds - looked.1));
                let skipped = self.skipped();
                display.set(number, format!("{bits:.3} {}, {rate:.1} images/s{skipped}", self.spec.unit()));
                if let Some(reason) = &step.skipped {
                    display.line(&format!("{reason}; this update is left out{skipped}"));
                }
                if number / log_every > looked.0 / log_every || step.skipped.is_some() {
                    metrics.write(&step.json(
                        number,
                        seconds,
                        (self.spec.unit(), bits),
                        rate,
                        self.progress.skipped,
                    ))?;
                }
                looked = (number, seconds);
            }
            self.bound_skips()?;
            let last = number == self.config.steps;
            let mut patience_over = false;
            if self.validation_is_due() {
                patience_over = self.validate(metrics, display, bits, rate)?;
            } else if number.is_multiple_of(self.config.checkpoint_every.max(1)) {
                self.save()?;
            }
            if seen && interrupt::asked() {
                return Ok(End::Interrupted);
            }
            if patience_over {
                return Ok(End::Patience);
            }
            if seen
                && !last
                && self.config.minutes.is_some_and(|minutes| begun.elapsed().as_secs_f64() > minutes * 60.0)
            {
                return Ok(End::Time);
            }
        }
        Ok(End::Done)
    }
}

/// Says how many channels of weight-normalised layers had no variance over the pictures they were initialised on: their scale
/// is exactly 1, which no other channel's is.
fn warn_of_flat_channels(params: &Params, pictures: usize) -> Result<()> {
    let (mut flat, mut all, mut layers) = (0, 0, 0);
    for (_, scale) in params.entries().iter().filter(|(name, _)| name.ends_with("weight_g")) {
        let values: Vec<f32> = scale.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?;
        let here = values.iter().filter(|&&value| value == 1.0).count();
        (flat, all, layers) = (flat + here, all + values.len(), layers + usize::from(here > 0));
    }
    if flat > 0 {
        note(&format!(
            "warning: {flat} of {all} channels, in {layers} layers, do not vary over the {pictures} pictures the model is \
             initialised on; their scale begins at 1. Flat or repeated pictures do this; --init-images looks at more"
        ));
    }
    Ok(())
}
