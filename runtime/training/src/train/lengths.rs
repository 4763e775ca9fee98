//! Sequences of different lengths: batches of similar lengths, and shorter programs for them.

use crate::data::{Order, Records};
use crate::spec::{Spec, Variable};
use crate::{Model, Params, Setting, Values};
use anyhow::{Context, Result};

/// The number of programs: for a quarter, a half, three quarters and all of the steps.
const PARTS: usize = 4;

/// The lengths of a run's training records, and shorter instances of its model.
pub struct Lengths {
    /// For each record, in steps.
    all: Vec<usize>,
    /// Variables that are arrays over the steps.
    families: Vec<String>,
    /// Models by their number of steps, ascending. They share the parameters of the main model.
    shorter: Vec<(usize, Box<dyn Model>)>,
}

/// The model that computes a batch.
pub struct Program<'a> {
    pub model: &'a dyn Model,
    /// Its number of steps, if less than the maximum.
    pub steps: Option<usize>,
}

impl<'a> Program<'a> {
    /// The shortest model into which these records fit.
    pub fn of(lengths: Option<&'a Lengths>, model: &'a dyn Model, indices: &[usize]) -> Self {
        let shorter = lengths.and_then(|lengths| {
            let longest = indices.iter().map(|&index| lengths.all[index]).max().unwrap_or(0);
            lengths.shorter.iter().find(|(steps, _)| longest <= *steps)
        });
        match shorter {
            Some((steps, model)) => Self { model: model.as_ref(), steps: Some(*steps) },
            None => Self { model, steps: None },
        }
    }
}

impl Lengths {
    /// None for a model without a length. With `shortens`, a batch is computed by the shortest model into which it
    /// fits.
    ///
    /// # Errors
    /// Records without lengths.
    pub fn of(spec: &Spec, train: &Records, params: &Params, shortens: bool) -> Result<Option<Self>> {
        let Some(length) = Variable::length(&spec.variables) else { return Ok(None) };
        let all =
            train.lengths(&length.name).with_context(|| format!("no record gives its length `{}`", length.name))?;
        let families: Vec<String> =
            spec.data_variables().filter(|variable| variable.steps).map(|variable| variable.name.clone()).collect();
        let longest = spec.data_variables().filter(|variable| variable.steps).map(|variable| variable.shape[0]).max();
        let mut shorter: Vec<(usize, Box<dyn Model>)> = Vec::new();
        for part in (1..PARTS).filter(|_| shortens) {
            let steps = (longest.unwrap_or(1) * part).div_ceil(PARTS);
            let is_new = shorter.last().is_none_or(|(last, _)| *last < steps) && Some(steps) < longest;
            let mut settings = spec.settings.clone();
            let setting = settings.iter_mut().find(|(name, _)| *name == length.name);
            if let (Some((_, setting)), true) = (setting, is_new && all.iter().any(|&own| own <= steps)) {
                *setting = Setting::Int(steps as i64);
                // The model may need a minimum number of steps, or be compiled for one length.
                if let Ok(model) = spec.builder.build(&settings, &params.shared()) {
                    shorter.push((steps, model));
                }
            }
        }
        Ok(Some(Self { all, families, shorter }))
    }

    /// Batches of records of similar lengths.
    pub fn order(&self, batch: usize, seed: u64, position: u64) -> Order {
        Order::bucketed(self.all.clone(), batch, seed, position)
    }

    /// Steps of a record of these on average.
    pub fn mean(&self, indices: &[usize]) -> f64 {
        indices.iter().map(|&index| self.all[index] as f64).sum::<f64>() / indices.len().max(1) as f64
    }

    /// A batch without the steps that its program does not have.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn cut(&self, batch: &mut Values, steps: usize) -> Result<()> {
        for family in &self.families {
            let first = batch.get(family)?.narrow(1, 0, steps)?.contiguous()?;
            batch.insert(family, first);
        }
        Ok(())
    }
}
