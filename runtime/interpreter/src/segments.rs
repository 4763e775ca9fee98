//! The bound in segments: training keeps the values between them and recomputes the others in the backward pass.

use super::run::{Context, Held, Run, missing};
use super::{Core, Given};
use srvae_dsl::plan::{Segment, ValueId};
use srvae_numerics::params::Phase;
use srvae_numerics::{BoundOptions, Draw, Noise, Result, Tensor, ops::tape};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What every segment reads besides the values of earlier ones.
struct Shared {
    core: Arc<Core>,
    given: Vec<Given>,
    samples: usize,
    rows: usize,
    options: BoundOptions,
}

/// The outputs of the bound, in order, with the same noise as without segments.
pub fn outputs(core: &Arc<Core>, given: Vec<Given>, context: Context<'_>, noise: &mut Noise) -> Result<Vec<Tensor>> {
    let Context { samples, rows, options, .. } = context;
    let shared = Arc::new(Shared { core: core.clone(), given, samples, rows, options: *options });
    let program = &core.plan.bound;
    let mut kept: BTreeMap<ValueId, Held> = BTreeMap::new();
    for (number, segment) in core.plan.segments.iter().enumerate() {
        let read: Vec<Held> = segment.reads.iter().filter_map(|id| kept.get(id).cloned()).collect();
        let made = shared.clone().recomputed(number, read, noise)?;
        let is_pair: Vec<bool> = segment.makes.iter().map(|id| program.is_pair(*id)).collect();
        kept.extend(segment.makes.iter().copied().zip(together(&made, &is_pair)));
        segment.frees.iter().for_each(|id| drop(kept.remove(id)));
    }
    let tensor = |id| match kept.get(&id) {
        Some(Held::Tensor(value)) => Ok(value.clone()),
        _ => Err(missing()),
    };
    program.outputs().into_iter().map(tensor).collect()
}

impl Shared {
    /// The tensors that a segment makes, recomputed in the backward pass with the noise that it had.
    fn recomputed(self: Arc<Self>, number: usize, read: Vec<Held>, noise: &mut Noise) -> Result<Vec<Tensor>> {
        let before = noise.clone();
        let after = Arc::new(Mutex::new(noise.clone()));
        let left = after.clone();
        let is_pair: Vec<bool> = read.iter().map(|held| matches!(held, Held::Pair(..))).collect();
        let compute = move |tensors: &[Tensor]| {
            let mut noise = before.clone();
            let mut run = || self.run(number, together(tensors, &is_pair), &mut noise);
            // The caller may have left the training phase before the backward pass.
            let params = &self.core.params;
            let made = if params.phase() == Phase::Training { run() } else { params.training(run) }?;
            *left.lock().unwrap_or_else(PoisonError::into_inner) = noise;
            Ok(apart(made))
        };
        let made = tape::again(&apart(read), compute)?;
        *noise = after.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(made)
    }

    /// The values that a segment makes from those that it reads.
    fn run(&self, number: usize, read: Vec<Held>, noise: &mut Noise) -> Result<Vec<Held>> {
        let Segment { values, reads, makes, .. } = &self.core.plan.segments[number];
        let (samples, rows, options) = (self.samples, self.rows, &self.options);
        let context = Context { samples, rows, draw: Draw::default(), options };
        let run = Run::new(&self.core, &self.core.plan.bound, &self.given, context);
        run.part(values, reads.iter().copied().zip(read), makes, noise)
    }
}

/// All tensors, the two of a pair one after the other.
fn apart(all: Vec<Held>) -> Vec<Tensor> {
    let each = all.into_iter().flat_map(|held| match held {
        Held::Tensor(value) => vec![value],
        Held::Pair(draw, log_prob) => vec![draw, log_prob],
        // Distributions are recomputed in every segment that reads them.
        Held::Distribution(_) => Vec::new(),
    });
    each.collect()
}

/// The inverse of [`apart`].
fn together(tensors: &[Tensor], is_pair: &[bool]) -> Vec<Held> {
    let mut tensors = tensors.iter().cloned();
    let each = is_pair.iter().map_while(|is_pair| match is_pair {
        true => Some(Held::Pair(tensors.next()?, tensors.next()?)),
        false => Some(Held::Tensor(tensors.next()?)),
    });
    each.collect()
}
