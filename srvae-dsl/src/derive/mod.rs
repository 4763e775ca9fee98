//! What follows from the graph alone: the terms of the bound and the modes of inference.

mod bound;
mod closed_form;
mod condition;
mod modes;

pub use bound::{Bounded, Term, TermKind, bounded, terms};
pub use closed_form::{Obstacle, is_drawn_after, obstacle};
pub use condition::{Link, Obstacle as InferenceObstacle, Reason, condition};
pub use modes::{Mode, Refusal, Step, given, modes};

use crate::catalog::Origin;
use crate::graph::{Body, Factor, Model, Role, VariableId};

/// What the compiler derives from a checked model.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// Children first: the term of the data, then those of what it hangs on.
    pub terms: Vec<Term>,
    /// What the sum of the terms is a bound of.
    pub bounded: Bounded,
    pub modes: Vec<Mode>,
    /// The modes that the graph does not allow, with the reasons.
    pub refused: Vec<Refusal>,
}

/// Derives the bound and the modes.
pub fn derive(model: &Model) -> Derivation {
    let (modes, refused) = modes(model);
    Derivation { terms: terms(model), bounded: bounded(model), modes, refused }
}

/// Variables whose value comes with the data: observed and given ones, and latents that the data set itself fixes.
pub fn is_data(model: &Model, id: VariableId) -> bool {
    model.variable(id).role != Role::Latent || model.q_of(id).is_some_and(is_supplied)
}

/// Whether a factor's value comes with the data.
pub fn is_supplied(factor: &Factor) -> bool {
    matches!(&factor.body, Body::Deterministic { function, .. } if function.entry.origin == Origin::Data)
}

/// Whether a factor puts all mass on one value.
pub fn is_deterministic(factor: &Factor) -> bool {
    matches!(factor.body, Body::Deterministic { .. })
}
