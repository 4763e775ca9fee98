//! What follows from the graph alone: the terms of the bound and the modes of inference.

mod bound;
mod closed_form;
mod modes;

pub use bound::{Term, TermKind, terms};
pub use closed_form::{Obstacle, is_drawn_after, obstacle};
pub use modes::{Mode, Step, modes};

use crate::catalog::Origin;
use crate::graph::{Body, Factor, Model, Role, VariableId};

/// What the compiler derives from a checked model.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// Children first: the term of the data, then those of what it hangs on.
    pub terms: Vec<Term>,
    pub modes: Vec<Mode>,
}

/// Derives the bound and the modes.
pub fn derive(model: &Model) -> Derivation {
    Derivation { terms: terms(model), modes: modes(model) }
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
