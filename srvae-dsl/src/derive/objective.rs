//! What training maximises, and whether it is still a lower bound.
//!
//! With one sample a record, a divergence that counts more than once or more than it is makes the sum smaller, and so does
//! the logarithm of a probability that is added. Anything else may lift the sum above the logarithm that it bounded. A
//! sample's weighted log-weights are those of no importance weight, so by several samples nothing is bounded.

use super::{Ancestry, Term, TermKind};
use crate::graph::{Addend, Body, Model, Side, Weight};

/// What is known of the sum that training maximises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objective {
    /// Nothing is weighted or added: it is the bound.
    pub is_plain: bool,
    pub standing: Standing,
}

/// How it stands to the logarithm that the bound is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is at most the bound, by one sample a record.
    Below,
    /// The same once every ramp has ended: those of these terms.
    BelowAfter(Vec<String>),
    /// It may be above, for these reasons.
    Unbounded(Vec<String>),
}

impl Objective {
    /// In words.
    pub fn text(&self, bounded: &str) -> String {
        let below = format!("a lower bound of {bounded} with one sample per record");
        match &self.standing {
            Standing::Below if self.is_plain => format!("the bound of {bounded} itself"),
            Standing::Below => format!("still {below}: it is at most the bound"),
            Standing::BelowAfter(terms) => format!("{below} once the ramp of {} has ended", terms.join(" and ")),
            Standing::Unbounded(reasons) => format!("no bound of {bounded}: {}", reasons.join("; ")),
        }
    }

    /// Whether it is a lower bound in the end, by one sample a record.
    pub fn bounds(&self) -> bool {
        !matches!(self.standing, Standing::Unbounded(_))
    }
}

/// What the file's weights and additions make of the bound.
pub fn objective(model: &Model, terms: &[Term], ancestry: &Ancestry) -> Objective {
    let mut reasons: Vec<String> = Vec::new();
    for weight in &model.weights {
        let term = terms.iter().find(|term| term.name == weight.term);
        reasons.extend(term.and_then(|term| raised(model, term, weight, ancestry)));
    }
    reasons.extend(model.addends.iter().filter_map(|addend| lifted(model, addend)));
    let ramps: Vec<String> =
        model.weights.iter().filter(|weight| weight.ramp.is_some()).map(|weight| weight.term.clone()).collect();
    let standing = match (reasons.is_empty(), ramps.is_empty()) {
        (false, _) => Standing::Unbounded(reasons),
        (true, true) => Standing::Below,
        (true, false) => Standing::BelowAfter(ramps),
    };
    Objective { is_plain: model.weights.is_empty() && model.addends.is_empty(), standing }
}

/// Why a weighted term may lift the sum above the bound, where it may.
fn raised(model: &Model, term: &Term, weight: &Weight, ancestry: &Ancestry) -> Option<String> {
    let (name, scale) = (&weight.term, weight.scale.value);
    match &term.kind {
        _ if scale == 1.0 => None,
        TermKind::Reconstruction => {
            let discrete = is_discrete(model, Side::P, term.variable);
            match (scale > 1.0, discrete) {
                (true, true) => None,
                (true, false) => {
                    Some(format!("{name} is of a density, which may be above 1, and counts {scale} times"))
                }
                (false, _) => Some(format!("{name} counts {scale} times")),
            }
        }
        TermKind::Kl { .. } if scale < 1.0 => Some(format!("{name} counts {scale} times")),
        TermKind::Kl { .. } => {
            let mut parents = model.p_of(term.variable).into_iter().flat_map(|factor| factor.parents.iter());
            let after = parents.any(|parent| ancestry.is_drawn_after(term.variable, parent));
            after.then(|| format!("{name} is no divergence by itself, so it may be below 0, and counts {scale} times"))
        }
    }
}

/// Why what is added may lift the sum, where it may.
fn lifted(model: &Model, addend: &Addend) -> Option<String> {
    let name = &model.variable(addend.variable).name;
    let what = format!("ln {} of {name}", addend.side.name());
    match (addend.scale.value >= 0.0, is_discrete(model, addend.side, addend.variable)) {
        (true, true) => None,
        (true, false) => Some(format!("{what} is added, a density that may be above 1")),
        (false, _) => Some(format!("{what} is taken away")),
    }
}

/// Whether a factor yields probabilities, which are at most 1.
fn is_discrete(model: &Model, side: Side, variable: crate::graph::VariableId) -> bool {
    let factor = model.factor(side, variable);
    factor.is_some_and(|factor| matches!(&factor.body, Body::Stochastic { base, .. } if !base.entry.continuous))
}
