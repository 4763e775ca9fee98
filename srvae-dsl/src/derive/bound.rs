//! The terms of the bound.
//!
//! Observed v: E_q log p(v | …). Latent v that q determines: its entropy is zero, so log p(v | …) alone remains. Any other
//! latent: KL(q(v | …) ‖ p(v | …)), exact where the catalogue has a closed form for both distributions, no flow stands
//! over them, and q draws nothing that p(v | …) reads from v itself, else at the sample.
//!
//! Partly observed v: both, log p(v | …) of the records that have it, the divergence of the others. One that q has no factor
//! for stands above nothing: integrated over its values, its factor of p is 1, so that a record without it loses the term.

use super::closed_form::{Ancestry, Obstacle, obstacle};
use super::{is_data, is_deterministic, is_partly};
use crate::graph::{Body, Estimator, Factor, Model, Role, VariableId, in_ranges};

/// One term of the bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// `RE_x`, `KL_z`, …
    pub name: String,
    pub variable: VariableId,
    pub kind: TermKind,
    /// Of a partly observed variable: the records it counts for. It is 0 for the others.
    pub presence: Option<Presence>,
}

/// Whether a record has a partly observed variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    There,
    Missing,
}

impl Presence {
    /// In words, of a variable: `y is observed`.
    pub fn text(self, variable: &str) -> String {
        match self {
            Self::There => format!("{variable} is observed"),
            Self::Missing => format!("{variable} is missing"),
        }
    }
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
    /// Partly observed variables: part of what is scored in the records that have them.
    pub partly: Vec<VariableId>,
    pub given: Vec<VariableId>,
    /// Without latents and dequantised pixels the sum is the logarithm itself, not a bound of it.
    pub exact: bool,
}

impl Bounded {
    /// `ln p(x, y | c)`; a variable that some records lack has its condition with it: `ln p(x, y where observed)`.
    pub fn text(&self, model: &Model) -> String {
        let condition = if self.partly.is_empty() { "" } else { " where observed" };
        let all: Vec<VariableId> = self.of.iter().chain(&self.partly).copied().collect();
        self.with(model, &all, condition)
    }

    /// What is scored of the records that have these of the partly observed variables and lack the others.
    pub fn text_at(&self, model: &Model, there: &[VariableId]) -> String {
        let all: Vec<VariableId> = self.of.iter().chain(there).copied().collect();
        self.with(model, &all, "")
    }

    fn with(&self, model: &Model, of: &[VariableId], condition: &str) -> String {
        let names = |ids: &[VariableId]| in_ranges(ids.iter().map(|id| model.variable(*id).name.as_str())).join(", ");
        let bar = if self.given.is_empty() { "" } else { " | " };
        format!("ln p({}{condition}{bar}{})", names(of), names(&self.given))
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
        partly: ids().filter(|id| is_partly(model, *id)).collect(),
        given: ids().filter(is_given).collect(),
        exact: model.q.iter().all(super::is_supplied) && !model.p.iter().any(super::is_dequantised),
    }
}

/// The terms: reconstructions, then divergences, children before parents.
pub fn terms(model: &Model, ancestry: &Ancestry) -> Vec<Term> {
    let factors = || model.p.iter().rev();
    let presence = |factor: &Factor, presence| is_partly(model, factor.variable).then_some(presence);
    let reconstructions = factors().filter(|factor| is_reconstruction(model, factor)).map(|factor| Term {
        name: format!("RE_{}", model.variable(factor.variable).name),
        variable: factor.variable,
        kind: TermKind::Reconstruction,
        presence: presence(factor, Presence::There),
    });
    let divergences = factors().filter(|factor| is_divergence(model, factor)).map(|factor| Term {
        name: format!("KL_{}", model.variable(factor.variable).name),
        variable: factor.variable,
        kind: divergence(model, factor, ancestry),
        presence: presence(factor, Presence::Missing),
    });
    reconstructions.chain(divergences).collect()
}

fn is_divergence(model: &Model, p: &Factor) -> bool {
    let is_drawn = model.q_of(p.variable).is_some_and(|factor| !is_deterministic(factor));
    model.variable(p.variable).role != Role::Observed && is_drawn
}

fn is_reconstruction(model: &Model, p: &Factor) -> bool {
    matches!(model.variable(p.variable).role, Role::Observed | Role::Partly)
        || model.q_of(p.variable).is_some_and(is_deterministic)
}

fn divergence(model: &Model, p: &Factor, ancestry: &Ancestry) -> TermKind {
    let obstacle = model.q_of(p.variable).and_then(|q| obstacle(q, p, ancestry));
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
