//! A training step without anything around it.

use super::Config;
use super::objective;
use super::optimiser::Optimiser;
use crate::ops::profile::timed;
use crate::{BoundOptions, Model, Noise, Values};
use anyhow::Result;

/// Takes the steps that training takes, with the paper's settings. A profile charges its phases with what no operation was
/// charged with.
pub struct Stepper<'a> {
    model: &'a dyn Model,
    optimiser: Optimiser,
    config: Config,
    step: usize,
}

impl<'a> Stepper<'a> {
    /// # Errors
    /// A failed tensor operation.
    pub fn new(model: &'a dyn Model) -> Result<Self> {
        Ok(Self { model, optimiser: Optimiser::new(model.params())?, config: Config::default(), step: 0 })
    }

    /// # Errors
    /// A failed tensor operation.
    pub fn step(&mut self, batch: &Values, noise: &mut Noise) -> Result<()> {
        let loss = timed("forward, the rest", || {
            let terms = self.model.bound(batch, noise, &BoundOptions::default())?;
            objective::loss(&terms, &self.config, self.step)
        })?;
        let gradients = timed("backward, the rest", || loss.backward())?;
        let rate = self.config.schedule.at(self.step, self.config.steps);
        timed("optimiser", || self.optimiser.step(&gradients, rate))?;
        self.step += 1;
        Ok(())
    }
}
