//! The terms of the bound.
//!
//! Observed v: E_q log p(v | …). Latent v that q determines: its entropy is zero, so log p(v | …) alone remains. Any other
//! latent: KL(q(v | …) ‖ p(v | …)), exact where the catalogue has a closed form for both distributions, no flow stands
//! over them, and q draws nothing that p(v | …) reads from v itself, else at the sample.

use super::closed_form::{Obstacle, obstacle};
use super::{is_data, is_deterministic};
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

/// What the sum of the terms says something of: ln p(of | given).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded {
    /// Observed variables, and latents that come with the data: their values are part of what is scored.
    pub of: Vec<VariableId>,
    pub given: Vec<VariableId>,
    /// Without latents the sum is the logarithm itself, not a bound of it.
    pub exact: bool,
}

impl Bounded {
    /// `ln p(x, y | c)`.
    pub fn text(&self, model: &Model) -> String {
        let names =
            |ids: &[VariableId]| ids.iter().map(|id| model.variable(*id).name.as_str()).collect::<Vec<_>>().join(", ");
        let bar = if self.given.is_empty() { "" } else { " | " };
        format!("ln p({}{bar}{})", names(&self.of), names(&self.given))
    }

    /// Between the logarithm and the sum of the terms: `=` or `≥`.
    pub fn relation(&self) -> &'static str {
        if self.exact { "=" } else { "≥" }
    }
}

/// What the terms bound.
pub fn bounded(model: &Model) -> Bounded {
    let ids = || (0..model.variables.len()).map(VariableId);
    let is_given = |id: &VariableId| model.variable(*id).role == Role::Given;
    Bounded {
        of: ids().filter(|id| is_data(model, *id) && !is_given(id)).collect(),
        given: ids().filter(is_given).collect(),
        exact: model.q.iter().all(super::is_supplied),
    }
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
    let obstacle = model.q_of(p.variable).and_then(|q| obstacle(q, p, &model.q));
    let forced = model.estimates.iter().find(|estimate| estimate.variable == p.variable);
    let (estimator, reason) = match (obstacle, forced.map(|estimate| estimate.estimator)) {
        (Some(obstacle), _) => (Estimator::MonteCarlo, reason(model, obstacle)),
        (None, Some(Estimator::MonteCarlo)) => (Estimator::MonteCarlo, "the file asks for it".to_owned()),
        (None, _) => (Estimator::ClosedForm, between(model.q_of(p.variable), p)),
    };
    TermKind::Kl { estimator, reason }
}

/// The distributions that a closed form is for, in words.
fn between(q: Option<&Factor>, p: &Factor) -> String {
    let name = |factor: &Factor| match &factor.body {
        Body::Stochastic { base, .. } => base.entry.name,
        Body::Deterministic { function, .. } => function.entry.name,
    };
    let common = q.map_or(0, |q| super::common_flows(q, p));
    let under = if common == 0 { "" } else { ", and both stand under the same flow" };
    format!("KL({} ‖ {}) has a closed form{under}", q.map_or("", name), name(p))
}

/// What keeps a divergence from a closed form, in words.
fn reason(model: &Model, obstacle: Obstacle<'_>) -> String {
    match obstacle {
        Obstacle::Deterministic(factor) => format!("{} is a function", factor.side.name()),
        Obstacle::Flow(factor, flow) => format!("{} has a flow, {}", factor.side.name(), flow.flow.entry.name),
        Obstacle::Pair(q, p) => format!("KL({} ‖ {}) has no closed form", q.entry.name, p.entry.name),
        Obstacle::Root(_) => "q has no parents".to_owned(),
        Obstacle::DrawnAfter(p, parent) => {
            let (parent, own) = (&model.variable(parent).name, &model.variable(p.variable).name);
            format!("p reads {parent}, which q draws from {own}")
        }
    }
}
