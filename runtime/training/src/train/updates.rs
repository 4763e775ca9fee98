//! The optimiser of a run: complete in a single process, sharded on several ranks.

use super::gradients::{self, Slopes};
use super::optimiser::Optimiser;
use super::parts::Parts;
use super::shards::Shards;
use super::tree::Tree;
use crate::ranks::Communicator;
use crate::{Params, Tensor, ops};
use anyhow::{Context, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// The optimiser.
#[derive(Debug)]
pub enum Updates {
    Whole(Optimiser),
    Shards(Box<Shards>),
}

impl Updates {
    /// # Errors
    /// A failed tensor operation.
    pub fn new(params: &Params, ranks: &dyn Communicator) -> Result<Self> {
        Ok(match ranks.size() {
            1 => Self::Whole(Optimiser::new(params)?),
            _ => Self::Shards(Box::new(Shards::new(params, ranks)?)),
        })
    }

    /// Must be called after the parameters were changed other than by an update.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn refresh(&self) -> Result<()> {
        match self {
            Self::Whole(_) => Ok(()),
            Self::Shards(shards) => shards.refresh(),
        }
    }

    /// The mean of the gradients of all micro-batches, of which this rank has summed its own.
    ///
    /// # Errors
    /// A rank that has ended, or a failed tensor operation.
    pub fn sum(
        &self,
        params: &Params,
        ranks: &dyn Communicator,
        parts: &Parts,
        sums: Tree<Vec<Tensor>>,
    ) -> Result<Slopes> {
        let scale = 1.0 / parts.count as f64;
        match self {
            Self::Whole(_) => whole(params, sums, scale),
            Self::Shards(shards) => shards.sum(ranks, parts, sums.blocks(), scale),
        }
    }

    /// One update with the gradient, scaled by `factor` if given.
    ///
    /// # Errors
    /// A rank that has ended, or a failed tensor operation.
    pub fn step(
        &mut self,
        params: &Params,
        ranks: &dyn Communicator,
        slopes: &mut Slopes,
        factor: Option<f64>,
        rate: f64,
    ) -> Result<()> {
        match self {
            Self::Whole(optimiser) => {
                if let Some(factor) = factor {
                    gradients::scale(params, &mut slopes.store, factor)?;
                }
                optimiser.step(&slopes.store, rate)
            }
            Self::Shards(shards) => shards.step(ranks, slopes, factor, rate),
        }
    }

    /// The running means and maxima for a checkpoint, on rank 0.
    ///
    /// # Errors
    /// A rank that has ended, or a failed tensor operation.
    pub fn state(&self, ranks: &dyn Communicator) -> Result<Vec<(String, Tensor)>> {
        match self {
            Self::Whole(optimiser) => optimiser.state(),
            Self::Shards(shards) => shards.state(ranks),
        }
    }

    /// # Errors
    /// A state without a parameter.
    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>, steps: usize) -> Result<()> {
        match self {
            Self::Whole(optimiser) => optimiser.restore(state, steps),
            Self::Shards(shards) => shards.restore(state, steps),
        }
    }
}

fn whole(params: &Params, sums: Tree<Vec<Tensor>>, scale: f64) -> Result<Slopes> {
    let total = sums.total(&add)?.context("a batch without records")?;
    let mut store = ops::tape::none()?;
    let mut broken = None;
    for ((name, var), gradient) in params.entries().iter().zip(total) {
        let gradient = (gradient * scale)?;
        if broken.is_none() && !ops::sum_of_squares(&gradient)?.is_finite() {
            broken = Some(name.clone());
        }
        store.insert(var, gradient);
    }
    let norm = gradients::norm(params, &store)?;
    Ok(Slopes { store, norm, broken })
}

/// The sum of two gradients, each with a tensor per parameter.
///
/// # Errors
/// A failed tensor operation.
pub fn add(left: Vec<Tensor>, right: Vec<Tensor>) -> Result<Vec<Tensor>> {
    let one = |(left, right): (&Tensor, &Tensor)| Ok((left + right)?);
    match left.first().is_none_or(|tensor| tensor.device().is_cpu()) {
        true => left.par_iter().zip(&right).map(one).collect(),
        false => left.iter().zip(&right).map(one).collect(),
    }
}
