//! The training objective, and whether it is still a lower bound.
//!
//! With one sample per record, a divergence with a weight above 1 or with free nats makes the objective smaller, as
//! does an added log-probability of a discrete variable. Any other change may raise the objective above the bounded
//! quantity, and so may a relaxation in place of a discrete variable. With several samples, weighted log-weights are
//! not log-weights of importance sampling, so nothing is bounded.

use super::{Ancestry, Term, TermKind};
use crate::graph::{Addend, Body, DrawMethod, Model, Side, VariableId, Weight, in_ranges};
use std::collections::BTreeMap;

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
    BelowAfter(Vec<Cause>),
    /// It may exceed the bounded quantity, for these reasons.
    Unbounded(Vec<Cause>),
}

/// A reason in words, or the name of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The variable that it is about; none if it is about several.
    pub variable: Option<VariableId>,
    pub text: String,
}

impl Objective {
    /// In words. `said` prints reasons, those of a family together.
    pub fn text(&self, bounded: &str, said: impl Fn(&[Cause]) -> Vec<String>) -> String {
        let below = format!("a lower bound of {bounded} with one sample per record");
        match &self.standing {
            Standing::Below if self.is_plain => format!("the bound of {bounded} itself"),
            Standing::Below => format!("still {below}: it is at most the bound"),
            Standing::BelowAfter(terms) => format!("{below} once the ramp of {} has ended", said(terms).join(" and ")),
            Standing::Unbounded(reasons) => format!("not a bound of {bounded}: {}", said(reasons).join("; ")),
        }
    }

    /// Whether it is a lower bound after all ramps, with one sample per record.
    pub fn bounds(&self) -> bool {
        !matches!(self.standing, Standing::Unbounded(_))
    }
}

/// The training objective from the bound and the file's weights and additional terms.
pub fn objective(model: &Model, terms: &[Term], ancestry: &Ancestry) -> Objective {
    let mut reasons: Vec<Cause> = Vec::new();
    let of = |variable: VariableId, text: String| Cause { variable: Some(variable), text };
    let named: BTreeMap<&str, &Term> = terms.iter().map(|term| (term.name.as_str(), term)).collect();
    let weighted: Vec<(&Term, &Weight)> =
        model.weights.iter().filter_map(|weight| Some((*named.get(weight.term.as_str())?, weight))).collect();
    for (term, weight) in &weighted {
        reasons.extend(raised(model, term, weight, ancestry).map(|text| of(term.variable, text)));
    }
    let added = model.addends.iter().filter_map(|addend| Some(of(addend.variable, lifted(model, addend)?)));
    reasons.extend(added);
    let relaxed = model.draws.iter().filter(|draw| matches!(draw.method, DrawMethod::Relaxed { .. }));
    let relaxed = in_ranges(relaxed.map(|draw| model.variable(draw.variable).name.as_str()));
    if !relaxed.is_empty() {
        let text = format!("in training, a relaxation takes the place of {}", relaxed.join(" and "));
        reasons.push(Cause { variable: None, text });
    }
    let ramps = weighted.iter().filter(|(_, weight)| weight.ramp.is_some());
    let ramps: Vec<Cause> = ramps.map(|(term, weight)| of(term.variable, weight.term.clone())).collect();
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
fn is_discrete(model: &Model, side: Side, variable: VariableId) -> bool {
    let factor = model.factor(side, variable);
    factor.is_some_and(|factor| matches!(&factor.body, Body::Stochastic { base, .. } if !base.entry.continuous))
}
