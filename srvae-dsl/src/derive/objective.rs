//! The training objective, and whether it is still a lower bound.
//!
//! With one sample per record, a divergence with a weight above 1 or with free nats makes the objective smaller, as
//! does an added log-probability of a discrete variable. Any other change may raise the objective above the bounded
//! quantity, and so may a relaxation in place of a discrete variable. With several samples, weighted log-weights are
//! not log-weights of importance sampling, so nothing is bounded.

use super::{Ancestry, Term, TermKind};
use crate::graph::{Addend, Body, DrawMethod, Model, Side, Weight, in_ranges};

/// Properties of the training objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objective {
    /// Whether it is the bound, without weights or additional terms.
    pub is_plain: bool,
    pub standing: Standing,
}

/// The relation of the objective to the quantity that the bound bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is at most the bound, with one sample per record.
    Below,
    /// It is at most the bound after the ramps of these terms have ended.
    BelowAfter(Vec<String>),
    /// It may exceed the bounded quantity, for these reasons.
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
            Standing::Unbounded(reasons) => format!("not a bound of {bounded}: {}", reasons.join("; ")),
        }
    }

    /// Whether it is a lower bound after all ramps, with one sample per record.
    pub fn bounds(&self) -> bool {
        !matches!(self.standing, Standing::Unbounded(_))
    }
}

/// The training objective from the bound and the file's weights and additional terms.
pub fn objective(model: &Model, terms: &[Term], ancestry: &Ancestry) -> Objective {
    let mut reasons: Vec<String> = Vec::new();
    for weight in &model.weights {
        let term = terms.iter().find(|term| term.name == weight.term);
        reasons.extend(term.and_then(|term| raised(model, term, weight, ancestry)));
    }
    reasons.extend(model.addends.iter().filter_map(|addend| lifted(model, addend)));
    let relaxed = model.draws.iter().filter(|draw| matches!(draw.method, DrawMethod::Relaxed { .. }));
    let relaxed = in_ranges(relaxed.map(|draw| model.variable(draw.variable).name.as_str()));
    if !relaxed.is_empty() {
        reasons.push(format!("in training, a relaxation takes the place of {}", relaxed.join(" and ")));
    }
    let ramps: Vec<String> =
        model.weights.iter().filter(|weight| weight.ramp.is_some()).map(|weight| weight.term.clone()).collect();
    let standing = match (reasons.is_empty(), ramps.is_empty()) {
        (false, _) => Standing::Unbounded(reasons),
        (true, true) => Standing::Below,
        (true, false) => Standing::BelowAfter(ramps),
    };
    Objective { is_plain: model.weights.is_empty() && model.addends.is_empty(), standing }
}

/// The reason why a weighted term may raise the objective above the bound, if it may.
fn raised(model: &Model, term: &Term, weight: &Weight, ancestry: &Ancestry) -> Option<String> {
    let (name, scale) = (&weight.term, weight.scale.value);
    match &term.kind {
        _ if scale == 1.0 => None,
        TermKind::Reconstruction => {
            let discrete = is_discrete(model, Side::P, term.variable);
            match (scale > 1.0, discrete) {
                (true, true) => None,
                (true, false) => {
                    Some(format!("{name} has weight {scale} and is the logarithm of a density, which may be above 1"))
                }
                (false, _) => Some(format!("{name} has weight {scale}")),
            }
        }
        TermKind::Kl { .. } if scale < 1.0 => Some(format!("{name} has weight {scale}")),
        TermKind::Kl { .. } => {
            let mut parents = model.p_of(term.variable).into_iter().flat_map(|factor| factor.parents.iter());
            let after = parents.any(|parent| ancestry.is_drawn_after(term.variable, parent));
            after.then(|| {
                format!("{name} has weight {scale} and may be negative, because p reads a variable that q draws later")
            })
        }
    }
}

/// The reason why an additional term may raise the objective, if it may.
fn lifted(model: &Model, addend: &Addend) -> Option<String> {
    let name = &model.variable(addend.variable).name;
    let what = format!("ln {} of {name}", addend.side.name());
    match (addend.scale.value >= 0.0, is_discrete(model, addend.side, addend.variable)) {
        (true, true) => None,
        (true, false) => Some(format!("{what} is added, and a density may be above 1")),
        (false, _) => Some(format!("{what} is subtracted")),
    }
}

/// Whether a factor's variable is discrete, so that its probabilities are at most 1.
fn is_discrete(model: &Model, side: Side, variable: crate::graph::VariableId) -> bool {
    let factor = model.factor(side, variable);
    factor.is_some_and(|factor| matches!(&factor.body, Body::Stochastic { base, .. } if !base.entry.continuous))
}
