//! Derivation of the bound and the modes from the graph.

mod bound;
mod closed_form;
mod condition;
mod evidence;
mod mode;
mod modes;
mod objective;
mod reason;
mod sums;
mod switched;

pub use bound::{Bounded, Presence, Term, TermKind, bounded, terms};
pub use closed_form::{Ancestry, Obstacle, common_flows, obstacle};
pub use condition::condition;
pub use mode::{Mode, Step, Switch};
pub use modes::{Refusal, given, modes};
pub use objective::{Cause, Objective, Standing, objective};
pub use reason::{Link, Obstacle as InferenceObstacle, Reason};
pub use sums::joining;
pub use switched::levels;

use crate::catalog::Origin;
use crate::graph::{Body, Factor, Model, Parents, Role, VariableId, VariableSet};
use std::borrow::Cow;

/// What the compiler derives from a checked model.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// Children first: the terms of the data, then those of their ancestors.
    pub terms: Vec<Term>,
    /// The quantity that the sum of the terms bounds.
    pub bounded: Bounded,
    /// The training objective.
    pub objective: Objective,
    pub modes: Vec<Mode>,
    /// Modes that the graph does not allow, with the reasons.
    pub refused: Vec<Refusal>,
    pub ancestry: Ancestry,
}

/// Derives the bound and the modes.
pub fn derive(model: &Model) -> Derivation {
    let ancestry = Ancestry::of(&model.q);
    let ((modes, refused), terms) = (modes(model), terms(model, &ancestry));
    let objective = objective(model, &terms, &ancestry);
    Derivation { terms, bounded: bounded(model), objective, modes, refused, ancestry }
}

/// Variables whose value comes with every record: observed and given ones, and latents that the data set provides.
pub fn is_data(model: &Model, id: VariableId) -> bool {
    match model.variable(id).role {
        Role::Observed | Role::Given => true,
        Role::Latent => model.q_of(id).is_some_and(is_supplied),
        Role::Partly | Role::Global => false,
    }
}

/// Variables whose value comes with some records.
pub fn is_partly(model: &Model, id: VariableId) -> bool {
    model.variable(id).role == Role::Partly
}

/// Whether the experts of a factor of q that read a partly observed variable drop out in records that lack it: q has no
/// factor for it, or draws it after the factor's own variable.
pub fn drops_out(model: &Model, reader: VariableId, id: VariableId) -> bool {
    is_partly(model, id) && !model.is_drawn_before(id, reader)
}

/// The parents that a factor reads if only some partly observed variables are known: not those of the experts that drop
/// out, nor those that it reads only through `known`.
pub fn parents_where<'m>(model: &Model, factor: &'m Factor, is_known: impl Fn(VariableId) -> bool) -> Cow<'m, Parents> {
    let is_missing = |id: VariableId| drops_out(model, factor.variable, id) && !is_known(id);
    let is_unread = |id: VariableId| !factor.read.contains(id) && !is_known(id);
    let experts = match &factor.body {
        Body::Stochastic { network: Some(network), .. } => network.experts().map(|(experts, _)| (network, experts)),
        Body::Stochastic { network: None, .. } | Body::Deterministic { .. } | Body::Mixture { .. } => None,
    };
    // Most factors read all values of their parents, which may be many.
    let knows = factor.read.len() < factor.parents.len();
    let is_partial = |id| experts.is_some() && is_missing(id) || knows && is_unread(id);
    if experts.is_none() && !knows || !factor.parents.iter().any(is_partial) {
        return Cow::Borrowed(&factor.parents);
    }
    let Some((network, experts)) = experts else {
        return Cow::Owned(factor.parents.iter().filter(|id| !is_unread(*id)).collect());
    };
    let mut read = VariableSet::default();
    for (expert, _) in experts {
        let own = network.reads_above(expert, &model.nets);
        if !own.values.iter().any(is_missing) {
            read.include(&own.all());
        }
    }
    Cow::Owned(factor.parents.iter().filter(|id| read.contains(*id) && !is_unread(*id)).collect())
}

/// Variables with one value for all records.
pub fn is_global(model: &Model, id: VariableId) -> bool {
    model.variable(id).role == Role::Global
}

/// Whether a factor's value comes with the data.
pub fn is_supplied(factor: &Factor) -> bool {
    matches!(&factor.body, Body::Deterministic { function, .. } if function.entry.origin == Origin::Data)
}

/// Whether a factor's density is over real numbers in the cells of discrete values, so that it gives a bound.
pub fn is_dequantised(factor: &Factor) -> bool {
    let outermost = match &factor.body {
        Body::Stochastic { flows, .. } => flows.last(),
        Body::Deterministic { .. } | Body::Mixture { .. } => None,
    };
    outermost.is_some_and(|stage| stage.flow.entry.name == "dequantise")
}

/// Whether a factor is a point mass.
pub fn is_deterministic(factor: &Factor) -> bool {
    matches!(factor.body, Body::Deterministic { .. })
}
