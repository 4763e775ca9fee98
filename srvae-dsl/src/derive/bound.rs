//! The terms of the bound.
//!
//! - An observed v contributes E_q log p(v | …), or nothing if p computes v from a value that q keeps in the cells of
//!   v.
//! - A latent v that q determines has entropy 0, so it contributes only log p(v | …).
//! - Any other latent v contributes KL(q(v | …) ‖ p(v | …)). It is exact if the catalogue has a closed form for both
//!   distributions, neither has a flow, and p(v | …) reads nothing that q draws from v. Otherwise it is estimated at
//!   the sample.
//! - A latent v that q does not draw is summed out of p. It has no term, and every factor that reads it is replaced by its mean
//!   over v given the variables whose factors come before it in the sum, which multiply to the marginal density.
//! - A global v has one divergence for all records. Each record has an equal share of it, so that the sum over the
//!   records bounds the log-density of the data set.
//! - A partly observed v contributes log p(v | …) for records that have it and the divergence for the others. If q has
//!   no factor for it, no factor reads it. Its factor of p then integrates to 1, so a record without it has no term.

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
    /// For a partly observed variable, the records for which the term counts. It is 0 for the others.
    pub presence: Option<Presence>,
    /// For a global variable: all records share the term equally.
    pub shared: bool,
}

/// Whether a record has the value of a partly observed variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    There,
    Missing,
}

impl Presence {
    /// In words, for a variable: `y is observed`.
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
    /// Subtracted from the bound, with the reason for the choice of the estimator.
    Kl { estimator: Estimator, reason: String },
}

/// The quantity that the sum of the terms bounds: ln p(of | given).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded {
    /// Observed variables, and latents that come with the data. They are scored.
    pub of: Vec<VariableId>,
    /// Partly observed variables, which are scored in the records that have them.
    pub partly: Vec<VariableId>,
    pub given: Vec<VariableId>,
    /// Whether the sum is the log-density itself, not a bound: there are no latents and no dequantised pixels.
    pub exact: bool,
}

impl Bounded {
    /// `ln p(x, y | c)`; a partly observed variable includes its condition: `ln p(x, y where observed)`.
    pub fn text(&self, model: &Model) -> String {
        self.text_with(|ids| in_ranges(ids.iter().map(|id| model.variable(*id).name.as_str())).join(", "))
    }

    /// The same with a function that prints names.
    pub fn text_with(&self, names: impl Fn(&[VariableId]) -> String) -> String {
        let condition = if self.partly.is_empty() { "" } else { " where observed" };
        self.with(&self.partly, names, condition)
    }

    /// The log-density for records that have these partly observed variables and lack the others.
    pub fn text_at(&self, there: &[VariableId], names: impl Fn(&[VariableId]) -> String) -> String {
        self.with(there, names, "")
    }

    fn with(&self, there: &[VariableId], names: impl Fn(&[VariableId]) -> String, condition: &str) -> String {
        let of: Vec<VariableId> = self.of.iter().chain(there).copied().collect();
        // A density of nothing is 1.
        if of.is_empty() {
            return "0".to_owned();
        }
        let bar = if self.given.is_empty() { "" } else { " | " };
        format!("ln p({}{condition}{bar}{})", names(&of), names(&self.given))
    }

    /// The relation of the log-density to the sum of the terms: `=` or `≥`.
    pub fn relation(&self) -> &'static str {
        if self.exact { "=" } else { "≥" }
    }
}

/// The quantity that the terms bound.
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
        shared: false,
    });
    let divergences = factors().filter(|factor| is_divergence(model, factor)).map(|factor| Term {
        name: format!("KL_{}", model.variable(factor.variable).name),
        variable: factor.variable,
        kind: divergence(model, factor, ancestry),
        presence: presence(factor, Presence::Missing),
        shared: super::is_global(model, factor.variable),
    });
    reconstructions.chain(divergences).collect()
}

fn is_divergence(model: &Model, p: &Factor) -> bool {
    let is_drawn = model.q_of(p.variable).is_some_and(|factor| !is_deterministic(factor));
    model.variable(p.variable).role != Role::Observed && is_drawn
}

fn is_reconstruction(model: &Model, p: &Factor) -> bool {
    let is_scored = matches!(model.variable(p.variable).role, Role::Observed | Role::Partly) && !is_deterministic(p);
    is_scored || model.q_of(p.variable).is_some_and(is_deterministic)
}

fn divergence(model: &Model, p: &Factor, ancestry: &Ancestry) -> TermKind {
    if model.sum.turn_of(p.variable).is_some() {
        let reason = "p is summed over variables that it reads".to_owned();
        return TermKind::Kl { estimator: Estimator::MonteCarlo, reason };
    }
    let obstacle = model.q_of(p.variable).and_then(|q| obstacle(q, p, ancestry));
    let forced = model.estimates.iter().find(|estimate| estimate.variable == p.variable);
    let (estimator, reason) = match (obstacle, forced.map(|estimate| estimate.estimator)) {
        (Some(obstacle), _) => (Estimator::MonteCarlo, reason(model, obstacle)),
        (None, Some(Estimator::MonteCarlo)) => (Estimator::MonteCarlo, "chosen in the file".to_owned()),
        (None, _) => (Estimator::ClosedForm, between(model.q_of(p.variable), p)),
    };
    TermKind::Kl { estimator, reason }
}

/// The pair of distributions of a closed form, in words.
fn between(q: Option<&Factor>, p: &Factor) -> String {
    let name = |factor: &Factor| match &factor.body {
        Body::Stochastic { base, .. } => base.entry.name,
        Body::Deterministic { function, .. } => function.entry.name,
        Body::Mixture { .. } => "mixture",
    };
    let common = q.map_or(0, |q| super::common_flows(q, p));
    let under = if common == 0 { "" } else { ", and both have the same flow" };
    format!("KL({} ‖ {}) has a closed form{under}", q.map_or("", name), name(p))
}

/// The obstacle to a closed form, in words.
fn reason(model: &Model, obstacle: Obstacle<'_>) -> String {
    match obstacle {
        Obstacle::Deterministic(factor) => format!("{} is a function", factor.side.name()),
        Obstacle::Flow(factor, flow) => format!("{} has a flow, {}", factor.side.name(), flow.flow.entry.name),
        Obstacle::Pair(q, p) => format!("KL({} ‖ {}) has no closed form", q.entry.name, p.entry.name),
        Obstacle::Mixture(factor) => format!("{} is a mixture", factor.side.name()),
        Obstacle::Past(_) => "p draws position after position".to_owned(),
        Obstacle::Root(_) => "q has no parents".to_owned(),
        Obstacle::DrawnAfter(p, parent) => {
            let (parent, own) = (&model.variable(parent).name, &model.variable(p.variable).name);
            format!("p reads {parent}, which q draws from {own}")
        }
    }
}
