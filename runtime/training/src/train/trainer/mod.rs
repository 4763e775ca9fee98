//! The training loop.

mod keep;
mod look;
mod micro;
mod run;
mod step;
mod task;

pub use task::Task;

use super::activity::Activity;
use super::average::Average;
use super::flat::Flat;
use super::lengths::Lengths;
use super::parts::Parts;
use super::updates::Updates;
use super::{Checkpoint, Config, Progress, Replay, RunFolder, restore};
use crate::data::{Batches, Data, Order};
use crate::eval::Evaluation;
use crate::interrupt::Interrupted;
use crate::params::Phase;
use crate::ranks::{self, Communicator};
use crate::spec::Spec;
use crate::terminal::note;
use crate::{BoundOptions, DType, Model, Noise, Params};
use anyhow::{Context, Result};
use std::path::Path;
use std::time::Instant;

/// The reason for the end of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All steps are done.
    Done,
    /// No improvement in validation for the patience.
    Patience,
    /// The time limit.
    Time,
    /// Ctrl-C.
    Interrupted,
}

/// Converts an interrupt to a normal end.
fn interruptible(end: Result<End>) -> Result<End> {
    match end {
        Err(error) if error.is::<Interrupted>() => Ok(End::Interrupted),
        end => end,
    }
}

/// A run: a model, its data, and its changing state.
pub struct Trainer<'a> {
    ranks: &'a dyn Communicator,
    spec: &'a Spec,
    data: &'a Data,
    /// The value of `--data`.
    source: String,
    config: Config,
    folder: RunFolder,
    params: Params,
    model: Box<dyn Model>,
    updates: Updates,
    average: Option<Average>,
    batches: Batches,
    order: Order,
    /// If records have lengths.
    lengths: Option<Lengths>,
    noise: Noise,
    progress: Progress,
    /// If gradients are summed over micro-batches.
    parts: Option<Parts>,
    /// The start of the first step of this process.
    begun: Instant,
    /// With `--graph`, from the first step that can be recorded.
    replay: Option<Replay>,
    /// Time spent in training steps. It is not part of the progress, so that equal runs write equal checkpoints.
    seconds: f64,
    before: Option<Evaluation>,
    after: Option<Evaluation>,
    /// From the last validation.
    activity: Vec<Activity>,
}

impl<'a> Trainer<'a> {
    /// A new run. The model is built, and initialised on the first training records, whose number is in the
    /// configuration. With several ranks, all call this with equal arguments; rank 0 initialises the model and writes.
    ///
    /// # Errors
    /// Data that do not fit the model, a batch that cannot be divided among the ranks, or a failed tensor operation.
    pub fn new(task: Task<'a>, config: Config, folder: RunFolder) -> Result<Self> {
        let ranks = task.ranks;
        let mut trainer = ranks::agree(ranks, Self::build(task, config, folder))?;
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
        // The average starts after the initialisation.
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

    /// Resumes a run from a checkpoint, on the current number of ranks.
    ///
    /// # Errors
    /// A checkpoint of another model, one that does not fit, or a batch that cannot be divided among the ranks.
    pub fn resume(task: Task<'a>, checkpoint: &Checkpoint, config: Config, folder: RunFolder) -> Result<Self> {
        let Task { spec, data, .. } = task;
        let path = folder.last();
        let begin = || {
            checkpoint.check_model(&spec.name, &spec.source, &spec.settings, &path)?;
            // For data that have moved, the current location is stored.
            let source = data.kept.as_ref().map_or(&checkpoint.header.data, |kept| &kept.source);
            let mut trainer = Self::build(task, config, folder)?;
            source.clone_into(&mut trainer.source);
            trainer.go_on(checkpoint, &path)?;
            Ok(trainer)
        };
        ranks::agree(task.ranks, begin())
    }

    /// Restores the state of a checkpoint.
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

    fn build(task: Task<'a>, config: Config, folder: RunFolder) -> Result<Self> {
        let Task { spec, data, source, device, ranks } = task;
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

    /// The evaluation on the test records after the last step.
    pub fn after(&self) -> Option<&Evaluation> {
        self.after.as_ref()
    }

    /// The active units of each latent at the last validation.
    pub fn activity(&self) -> &[Activity] {
        &self.activity
    }

    /// Seconds spent in training steps.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Training records per second, since the first step.
    pub fn images_per_second(&self) -> f64 {
        (self.progress.step * self.config.batch) as f64 / self.seconds.max(1e-9)
    }
}

/// The order of training records from a position on.
fn order(lengths: Option<&Lengths>, count: usize, config: &Config, position: u64) -> Order {
    match lengths {
        Some(lengths) => lengths.order(config.batch, config.seed, position),
        None => Order::new(count, config.seed, position),
    }
}

/// Reports the number of channels of weight-normalised layers that were constant over the initialisation records. Their
/// scale is exactly 1, unlike that of all other channels.
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
             initialisation; their scale starts at 1. Constant or repeated records cause this (--init-images uses more), \
             and so do networks that read global variables alone"
        ));
    }
    Ok(())
}
