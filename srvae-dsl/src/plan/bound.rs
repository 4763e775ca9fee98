//! The bound as a program: what is computed once an image, then what once a sample.

use super::FactorPlan;
use crate::derive::{Derivation, is_data};
use crate::graph::{Body, Model, Side, VariableId};

/// The order of the bound's computation.
#[derive(Debug, Clone)]
pub struct BoundPlan {
    /// Variables that come with the data, in the file's order: the function's arguments.
    pub data: Vec<VariableId>,
    /// Once an image.
    pub once: Vec<Ready>,
    /// Variables whose per-image values are read per sample, to be repeated.
    pub repeated: Vec<VariableId>,
    /// Once a sample, in order.
    pub each: Vec<Ready>,
}

/// Something that becomes ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// The value of a latent that q determines.
    Determined(VariableId),
    /// The distribution of a factor.
    Distribution(Side, VariableId),
    /// What a factor's network computes once an image.
    Prepared(Side, VariableId),
    /// A draw of a latent from its distribution under q.
    Drawn(VariableId),
}

/// Variables that do not depend on the sample: data, and what q determines from such.
pub fn invariant(model: &Model) -> Vec<VariableId> {
    let mut all: Vec<VariableId> =
        (0..model.variables.len()).map(VariableId).filter(|id| is_data(model, *id)).collect();
    for factor in &model.q {
        let determined = matches!(factor.body, Body::Deterministic { .. });
        if determined && !all.contains(&factor.variable) && factor.parents.iter().all(|parent| all.contains(parent)) {
            all.push(factor.variable);
        }
    }
    all
}

/// Orders the bound's computation.
pub fn bound(model: &Model, derivation: &Derivation, factors: &[FactorPlan], invariant: &[VariableId]) -> BoundPlan {
    let find = |side: Side, id: VariableId| factors.iter().find(|factor| factor.side == side && factor.variable == id);
    let (mut once, mut each) = (Vec::new(), Vec::new());
    let prepared = |factor: &FactorPlan| factor.network.as_ref().is_some_and(|network| !network.once.is_empty());
    let mut add = |side: Side, id: VariableId, each: &mut Vec<Ready>| {
        let Some(factor) = find(side, id).filter(|factor| factor.network.is_some()) else { return };
        if factor.is_once {
            return once.push(Ready::Distribution(side, id));
        }
        if prepared(factor) {
            once.push(Ready::Prepared(side, id));
        }
        each.push(Ready::Distribution(side, id));
    };
    let mut determined_once = Vec::new();
    for q in model.q.iter().filter(|q| !is_data(model, q.variable)) {
        match q.body {
            Body::Deterministic { .. } if invariant.contains(&q.variable) => {
                determined_once.push(Ready::Determined(q.variable));
            }
            Body::Deterministic { .. } => each.push(Ready::Determined(q.variable)),
            Body::Stochastic { .. } => {
                add(Side::Q, q.variable, &mut each);
                each.push(Ready::Drawn(q.variable));
            }
        }
    }
    for term in &derivation.terms {
        add(Side::P, term.variable, &mut each);
    }
    let once = determined_once.into_iter().chain(once).collect();
    let data = (0..model.variables.len()).map(VariableId).filter(|id| is_data(model, *id)).collect();
    let repeated = repeated(model, derivation, factors, invariant);
    BoundPlan { data, once, repeated, each }
}

/// Invariant variables that a term, a network run for each sample, or a function of a sample reads.
fn repeated(
    model: &Model,
    derivation: &Derivation,
    factors: &[FactorPlan],
    invariant: &[VariableId],
) -> Vec<VariableId> {
    let mut read: Vec<VariableId> = derivation.terms.iter().map(|term| term.variable).collect();
    for factor in factors.iter().filter(|factor| !factor.is_once) {
        read.extend(factor.network.iter().flat_map(|network| &network.reads));
    }
    for q in model.q.iter().filter(|q| !invariant.contains(&q.variable)) {
        if let Body::Deterministic { input, .. } = q.body {
            read.push(input);
        }
    }
    invariant.iter().copied().filter(|id| read.contains(id)).collect()
}
