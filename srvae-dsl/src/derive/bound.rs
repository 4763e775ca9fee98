//! The terms of the bound.
//!
//! Observed v: E_q log p(v | …). Latent v that q determines: its entropy is zero, so log p(v | …) alone remains. Any other
//! latent: KL(q(v | …) ‖ p(v | …)), exact where both factors are diagonal normals without a flow, else at the sample.

use super::is_deterministic;
use crate::graph::{Body, Estimator, Factor, Model, Role, VariableId};

/// One term of the bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// `RE_x`, `KL_z`, …
    pub name: String,
    pub variable: VariableId,
    pub kind: TermKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermKind {
    /// Added to the bound.
    Reconstruction,
    /// Subtracted from the bound; the reason says why the estimator is what it is.
    Kl { estimator: Estimator, reason: String },
}

/// The terms: reconstructions, then divergences, children before parents.
pub fn terms(model: &Model) -> Vec<Term> {
    let factors = || model.p.iter().rev();
    let reconstructions = factors().filter(|factor| is_reconstruction(model, factor)).map(|factor| Term {
        name: format!("RE_{}", model.variable(factor.variable).name),
        variable: factor.variable,
        kind: TermKind::Reconstruction,
    });
    let divergences = factors().filter(|factor| !is_reconstruction(model, factor)).map(|factor| Term {
        name: format!("KL_{}", model.variable(factor.variable).name),
        variable: factor.variable,
        kind: divergence(model, factor),
    });
    reconstructions.chain(divergences).collect()
}

fn is_reconstruction(model: &Model, p: &Factor) -> bool {
    model.variable(p.variable).role == Role::Observed || model.q_of(p.variable).is_some_and(is_deterministic)
}

fn divergence(model: &Model, p: &Factor) -> TermKind {
    let q = model.q_of(p.variable);
    let fixed = q.filter(|q| q.parents.is_empty()).map(|_| "q has no parents".to_owned());
    let obstacle = q.and_then(|q| obstacle(q, "q")).or_else(|| obstacle(p, "p")).or(fixed);
    let forced = model.estimates.iter().find(|estimate| estimate.variable == p.variable);
    let (estimator, reason) = match (obstacle, forced.map(|estimate| estimate.estimator)) {
        (Some(obstacle), _) => (Estimator::MonteCarlo, obstacle),
        (None, Some(Estimator::MonteCarlo)) => (Estimator::MonteCarlo, "the file asks for it".to_owned()),
        (None, _) => (Estimator::ClosedForm, "q and p are diagonal normals".to_owned()),
    };
    TermKind::Kl { estimator, reason }
}

/// What keeps a divergence with this factor from a closed form.
fn obstacle(factor: &Factor, side: &str) -> Option<String> {
    match &factor.body {
        Body::Stochastic { base, flows, .. } => match flows.first() {
            Some(flow) => Some(format!("{side} has a flow, {}", flow.entry.name)),
            None if !base.entry.normal => Some(format!("{side} is a {}", base.entry.name)),
            None => None,
        },
        Body::Deterministic { function, .. } => Some(format!("{side} is the function {}", function.entry.name)),
    }
}
