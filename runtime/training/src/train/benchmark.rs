//! A training step for benchmarks, without data loading, metrics or checkpoints.

use super::gradients::Recording;
use super::objective;
use super::optimiser::Optimiser;
use super::{Config, Replay};
use crate::ops::profile::timed;
use crate::{BoundOptions, Model, Moment, Noise, Values};
use anyhow::Result;

/// Runs training steps with the paper's settings. In a profile, the self time of a phase is its time outside of operations.
pub struct Stepper<'a> {
    model: &'a dyn Model,
    optimiser: Optimiser,
    config: Config,
    step: usize,
    replay: Option<Replay>,
}

impl<'a> Stepper<'a> {
    /// `graph`: on a GPU, replays recorded steps.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn new(model: &'a dyn Model, graph: bool) -> Result<Self> {
        let graph = graph && model.params().device().is_cuda();
        let config = Config { graph, ..Config::default() };
        Ok(Self { model, optimiser: Optimiser::new(model.params())?, config, step: 0, replay: None })
    }

    /// # Errors
    /// A failed tensor operation.
    pub fn step(&mut self, batch: &Values, noise: &mut Noise) -> Result<()> {
        if self.config.graph {
            let (model, at) = (self.model, Moment::of(self.step, 1, 1));
            Replay::take(&mut self.replay, model, batch, noise, &mut self.optimiser, &self.config, at)?;
            self.step += 1;
            return Ok(());
        }
        let recording = Recording::begin(self.model);
        let loss = timed("forward, the rest", || {
            let terms = self.model.bound(batch, noise, &BoundOptions::default())?;
            let weighted = objective::weighted(self.model, &terms, &self.config, Moment::of(self.step, 1, 1))?;
            objective::loss(&weighted, &self.config)
        })?;
        let gradients = timed("backward, the rest", || recording.backward(&loss))?;
        let rate = self.config.schedule.at(self.step, self.config.steps);
        timed("optimiser", || self.optimiser.step(&gradients, rate))?;
        self.step += 1;
        Ok(())
    }
}
