//! What follows from the graph alone: the terms of the bound and the modes of inference.

mod bound;
mod closed_form;
mod condition;
mod modes;
mod objective;
mod switched;

pub use bound::{Bounded, Presence, Term, TermKind, bounded, terms};
pub use closed_form::{Ancestry, Obstacle, common_flows, obstacle};
pub use condition::{Link, Obstacle as InferenceObstacle, Reason, condition};
pub use modes::{Mode, Refusal, Step, given, modes};
pub use objective::{Objective, Standing, objective};
pub use switched::{Switch, levels};

use crate::catalog::Origin;
use crate::graph::{Body, Factor, Model, Role, VariableId};

/// What the compiler derives from a checked model.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// Children first: the term of the data, then those of what it hangs on.
    pub terms: Vec<Term>,
    /// What the sum of the terms is a bound of.
    pub bounded: Bounded,
    /// What training maximises.
    pub objective: Objective,
    pub modes: Vec<Mode>,
    /// The modes that the graph does not allow, with the reasons.
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

/// Variables whose value comes with every record: observed and given ones, and latents that the data set itself fixes.
pub fn is_data(model: &Model, id: VariableId) -> bool {
    match model.variable(id).role {
        Role::Observed | Role::Given => true,
        Role::Latent => model.q_of(id).is_some_and(is_supplied),
        Role::Partly => false,
    }
}

/// Variables whose value comes with some records.
pub fn is_partly(model: &Model, id: VariableId) -> bool {
    model.variable(id).role == Role::Partly
}

/// Partly observed variables that q does not infer: where one is missing, the experts of q that read it drop out.
pub fn drops_out(model: &Model, id: VariableId) -> bool {
    is_partly(model, id) && model.q_of(id).is_none()
}

/// Whether a factor's value comes with the data.
pub fn is_supplied(factor: &Factor) -> bool {
    matches!(&factor.body, Body::Deterministic { function, .. } if function.entry.origin == Origin::Data)
}

/// Whether a factor's density is that of real numbers in the cells of its variable's values, so that its logarithm is bounded.
pub fn is_dequantised(factor: &Factor) -> bool {
    let outermost = match &factor.body {
        Body::Stochastic { flows, .. } => flows.last(),
        Body::Deterministic { .. } => None,
    };
    outermost.is_some_and(|stage| stage.flow.entry.name == "dequantise")
}

/// Whether a factor puts all mass on one value.
pub fn is_deterministic(factor: &Factor) -> bool {
    matches!(factor.body, Body::Deterministic { .. })
}
