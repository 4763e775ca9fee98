//! The training loop.

mod keep;
mod look;
mod micro;
mod step;

use super::activity::Activity;
use super::average::Average;
use super::flat::Flat;
use super::lengths::Lengths;
use super::metrics::Metrics;
use super::parts::Parts;
use super::progress::Display;
use super::updates::Updates;
use super::{Checkpoint, Config, Interrupted, Progress, Replay, RunFolder, interrupt, restore};
use crate::data::{Batches, Data, Order};
use crate::eval::Evaluation;
use crate::params::Phase;
use crate::ranks::{self, ALONE, Communicator};
use crate::spec::Spec;
use crate::terminal::note;
use crate::{BoundOptions, DType, Device, Model, Noise, Params};
use anyhow::{Context, Result};
use serde_json::json;
use std::path::Path;
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
    ranks: &'a dyn Communicator,
    spec: &'a Spec,
    data: &'a Data,
    /// `--data` as it was given.
    source: String,
    config: Config,
    folder: RunFolder,
    params: Params,
    model: Box<dyn Model>,
    updates: Updates,
    average: Option<Average>,
    batches: Batches,
    order: Order,
    /// Where records have lengths.
    lengths: Option<Lengths>,
    noise: Noise,
    progress: Progress,
    /// Where gradients are summed over micro-batches.
    parts: Option<Parts>,
    /// When the first of this process's steps began.
    begun: Instant,
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
        Self::new_on(&ALONE, spec, data, source, config, folder, device)
    }

    /// The same on several ranks, which all call this with equal arguments. Rank 0 initialises the model, and writes.
    ///
    /// # Errors
    /// As [`Trainer::new`], and a batch that cannot be divided among the ranks.
    pub fn new_on(
        ranks: &'a dyn Communicator,
        spec: &'a Spec,
        data: &'a Data,
        source: &str,
        config: Config,
        folder: RunFolder,
        device: &Device,
    ) -> Result<Self> {
        let mut trainer = ranks::agree(ranks, Self::build(ranks, spec, data, source, config, folder, device))?;
        let initialised = if ranks.leads() { trainer.initialise() } else { Ok(()) };
        ranks::agree(ranks, initialised)?;
        if ranks.size() > 1 {
            let flat = Flat::new(&trainer.params);
            let mut values = ranks::of_floats(&flat.values()?);
            ranks.broadcast(&mut values)?;
            flat.put(&ranks::floats(&values))?;
            trainer.params.touch();
        }
        trainer.updates.refresh()?;
        // The average begins at what initialisation left, not at what it started from.
        trainer.average = trainer.config.average.map(|decay| Average::new(&trainer.params, decay)).transpose()?;
        Ok(trainer)
    }

    fn initialise(&self) -> Result<()> {
        let mut order = self.order.clone();
        let count = self.config.init_images.min(self.data.train.len()).max(1);
        let first = self.batches.take(&self.data.train, &order.next(count), None)?;
        self.params.set_phase(Phase::Initialisation);
        let outcome = self.model.bound(&first, &mut Noise::seeded(self.config.seed), &BoundOptions::default());
        self.params.set_phase(Phase::Training);
        self.params.touch();
        outcome.context("the model could not be initialised on the first training records")?;
        warn_of_flat_channels(&self.params, count)
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
        Self::resume_on(&ALONE, spec, data, checkpoint, config, folder, device)
    }

    /// The same on several ranks, as many as there are now, which all call this with equal arguments.
    ///
    /// # Errors
    /// As [`Trainer::resume`], and a batch that cannot be divided among the ranks.
    pub fn resume_on(
        ranks: &'a dyn Communicator,
        spec: &'a Spec,
        data: &'a Data,
        checkpoint: &Checkpoint,
        config: Config,
        folder: RunFolder,
        device: &Device,
    ) -> Result<Self> {
        let path = folder.last();
        let begin = || {
            checkpoint.check_model(&spec.name, &spec.source, &spec.settings, &path)?;
            // Data that were moved are known by where they lie now.
            let source = data.kept.as_ref().map_or(&checkpoint.header.data, |kept| &kept.source);
            let mut trainer = Self::build(ranks, spec, data, source, config, folder, device)?;
            trainer.go_on(checkpoint, &path)?;
            Ok(trainer)
        };
        ranks::agree(ranks, begin())
    }

    /// Takes the state of a checkpoint.
    fn go_on(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<()> {
        let place = path.display().to_string();
        restore(&self.params, &checkpoint.group("param"), &place)?;
        self.progress = checkpoint.header.progress.clone();
        let updates = self.progress.step - self.progress.skipped;
        self.updates.restore(&checkpoint.group("optimiser"), updates).with_context(|| place)?;
        if let Some(decay) = self.config.average {
            let mut average = Average::new(&self.params, decay)?;
            average.resume(checkpoint.group("average"));
            self.average = Some(average);
        }
        self.order = order(self.lengths.as_ref(), self.data.train.len(), &self.config, self.progress.order);
        let (seed, counter) = self.progress.noise;
        self.noise = Noise::at(seed, counter);
        Ok(())
    }

    fn build(
        ranks: &'a dyn Communicator,
        spec: &'a Spec,
        data: &'a Data,
        source: &str,
        config: Config,
        folder: RunFolder,
        device: &Device,
    ) -> Result<Self> {
        let micro = match config.micro_batch {
            None if ranks.size() > 1 => Some(Parts::usual(config.batch, ranks.size())?),
            micro => micro,
        };
        let config = Config { micro_batch: micro, ..config };
        let parts = micro.map(|micro| Parts::new(config.batch, micro, ranks.rank(), ranks.size())).transpose()?;
        let params = Params::new(config.seed, DType::F32, device);
        let model = spec.build(&params).context("the model could not be built")?;
        let updates = Updates::new(&params, ranks)?;
        let batches = Batches::new(spec, &data.train, device)?;
        // A recorded step is one program for all batches.
        let lengths = Lengths::of(spec, &data.train, &params, !device.is_cuda())?;
        let order = order(lengths.as_ref(), data.train.len(), &config, 0);
        let noise = Noise::seeded(config.seed ^ 0x006e_6f69_7365);
        let (source, progress) = (source.to_owned(), Progress::default());
        Ok(Self {
            ranks,
            spec,
            data,
            source,
            config,
            folder,
            params,
            model,
            updates,
            average: None,
            batches,
            order,
            lengths,
            noise,
            progress,
            parts,
            begun: Instant::now(),
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
        self.begun = Instant::now();
        let log_every = (self.config.steps / 1000).max(1);
        let (mut bits, mut rate, mut looked) = (f64::NAN, 0.0, (self.progress.step, self.seconds));
        // A run that was cut off in a validation goes on with it.
        if self.validation_is_due() && self.validate(metrics, display, bits, rate)? {
            return Ok(End::Patience);
        }
        while self.progress.step < self.config.steps {
            let step = self.step()?;
            let (number, seconds) = (self.progress.step, self.seconds);
            let (asked, over) = step.as_ref().map_or((false, false), |step| (step.asked, step.over));
            if let Some(step) = step {
                let pictures = (number - looked.0) * self.config.batch;
                (bits, rate) = (self.spec.score(step.terms.bound()), pictures as f64 / (seconds - looked.1));
                let skipped = self.skipped();
                display.set(
                    number,
                    format!("{bits:.3} {}, {rate:.1} {}/s{skipped}", self.spec.unit(), self.spec.records()),
                );
                if let Some(reason) = &step.skipped {
                    display.line(&format!("{reason}; this update is skipped{skipped}"));
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
            if asked {
                return Ok(End::Interrupted);
            }
            if patience_over {
                return Ok(End::Patience);
            }
            if over && !last {
                return Ok(End::Time);
            }
        }
        Ok(End::Done)
    }
}

/// The order of training records from a position on.
fn order(lengths: Option<&Lengths>, count: usize, config: &Config, position: u64) -> Order {
    match lengths {
        Some(lengths) => lengths.order(config.batch, config.seed, position),
        None => Order::new(count, config.seed, position),
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
            "warning: {flat} of {all} channels, in {layers} layers, do not vary over the {pictures} records of the \
             initialisation; their scale starts at 1. Constant or repeated images cause this; --init-images uses \
             more"
        ));
    }
    Ok(())
}
