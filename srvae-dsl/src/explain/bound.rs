//! The terms of the bound as mathematics: the variables of the expectation, and the expression.

use crate::derive::{Term, TermKind, is_dequantised, is_deterministic, is_partly};
use crate::graph::{DrawMethod, Estimator, Side, VariableId, VariableSet};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// A term in printable form.
pub struct Statement<'p> {
    pub term: &'p Term,
    /// The variables of its expectation that are summed over, and whether others are drawn.
    summed: Vec<&'p str>,
    is_drawn: bool,
    /// Whether its pixels are dequantised.
    is_dequantised: bool,
    /// The variables drawn in its expectation, in q's order. Empty if no draw is needed.
    pub over: Vec<VariableId>,
    pub form: Form,
    /// If its factor is part of a sum over latents: the variables that ln p is given. They came before it in the sum.
    pub before: Option<Vec<VariableId>>,
}

/// The expression in an expectation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// ln p(v | …)
    LogLikelihood,
    /// KL(q(v | …) ‖ p(v | …))
    Divergence,
    /// ln q(v | …) − ln p(v | …). This is not a divergence of the two factors, because p reads variables that q draws
    /// from v.
    LogRatio,
}

impl Statement<'_> {
    /// The estimator of the term, and the reason.
    pub fn estimate(&self) -> (&'static str, String) {
        let drawn = |why: &str| ("Monte Carlo", why.to_owned());
        match &self.term.kind {
            _ if !self.summed.is_empty() && !self.is_drawn && !self.is_dequantised => {
                ("exact", format!("a sum over the values of {}", self.summed.join(" and ")))
            }
            TermKind::Reconstruction if self.is_dequantised => {
                drawn("a lower bound of it, at a draw from the pixels' cells")
            }
            TermKind::Reconstruction if self.over.is_empty() => ("exact", "it does not depend on a draw".to_owned()),
            TermKind::Reconstruction => drawn("the log-likelihood at the draws"),
            TermKind::Kl { estimator: Estimator::ClosedForm, reason } => ("closed form", reason.clone()),
            TermKind::Kl { estimator: Estimator::MonteCarlo, reason } => drawn(reason),
        }
    }

    /// Whether the term adds to the bound.
    pub fn adds(&self) -> bool {
        self.term.kind == TermKind::Reconstruction
    }
}

/// All terms, in the derivation's order.
pub fn statements(plan: &Plan) -> Vec<Statement<'_>> {
    let mut before = before(plan);
    let each = plan.derivation.terms.iter().map(|term| {
        let before = before.remove(&term.variable);
        statement(plan, term, before)
    });
    each.collect()
}

/// For each variable with a term whose factor is part of the sum: those before it in the same table, and what
/// its factor reads beside the summed ones.
fn before(plan: &Plan) -> BTreeMap<VariableId, Vec<VariableId>> {
    let model = &plan.model;
    let (mut tables, mut all): (Vec<(VariableSet, VariableSet)>, BTreeMap<_, _>) = (Vec::new(), BTreeMap::new());
    for turn in &model.sum.turns {
        let Some(factor) = model.p_of(turn.variable) else { continue };
        let is_touched = |(over, _): &(VariableSet, VariableSet)| turn.over.iter().any(|id| over.contains(*id));
        let (touched, others): (Vec<_>, Vec<_>) = tables.into_iter().partition(is_touched);
        tables = others;
        let mut seen = VariableSet::default();
        touched.iter().for_each(|(_, of_table)| seen.include(of_table));
        seen.extend(factor.parents.iter().filter(|id| !model.sum.contains(*id)));
        if !model.sum.contains(turn.variable) || is_partly(model, turn.variable) {
            all.insert(turn.variable, seen.iter().collect());
            seen.extend([turn.variable]);
        }
        let left = turn.over.iter().copied().filter(|id| !turn.out.contains(id)).collect();
        tables.push((left, seen));
    }
    all
}

fn statement<'p>(plan: &'p Plan, term: &'p Term, before: Option<Vec<VariableId>>) -> Statement<'p> {
    let p = plan.model.p_of(term.variable);
    let form = match &term.kind {
        TermKind::Reconstruction => Form::LogLikelihood,
        TermKind::Kl { .. } => {
            let mut parents = p.into_iter().flat_map(|factor| factor.parents.iter());
            let after = |parent: VariableId| plan.derivation.ancestry.is_drawn_after(term.variable, parent);
            if parents.any(after) { Form::LogRatio } else { Form::Divergence }
        }
    };
    let mut needed: VariableSet = match &before {
        Some(before) => before.iter().copied().collect(),
        None => p.into_iter().flat_map(|factor| factor.parents.iter()).collect(),
    };
    let form = if before.is_some() && form == Form::Divergence { Form::LogRatio } else { form };
    match form {
        // An observed value is not drawn.
        Form::LogLikelihood if term.presence.is_some() => {}
        Form::LogLikelihood | Form::LogRatio => needed.extend([term.variable]),
        Form::Divergence => plan.derivation.ancestry.include_above(term.variable, &mut needed),
    }
    let over = drawn(plan, needed);
    let is_summed = |id: &VariableId| {
        plan.model.draw_of(*id).is_some_and(|draw| matches!(draw.method, DrawMethod::Enumerate { .. }))
    };
    let (summed, others): (Vec<VariableId>, Vec<VariableId>) = over.iter().copied().partition(is_summed);
    let of_sum = plan.model.sum.turn_of(term.variable).into_iter().flat_map(|turn| turn.over.iter().copied());
    let summed = summed.into_iter().chain(of_sum).map(|id| plan.name(id)).collect();
    let is_dequantised = p.is_some_and(is_dequantised);
    Statement { term, summed, is_drawn: !others.is_empty(), is_dequantised, over, form, before }
}

/// The variables that q draws to obtain these, in q's order.
fn drawn(plan: &Plan, mut needed: VariableSet) -> Vec<VariableId> {
    let mut all = Vec::new();
    for factor in plan.model.q.iter().rev() {
        if needed.contains(factor.variable) {
            plan.derivation.ancestry.include_above(factor.variable, &mut needed);
            if !is_deterministic(factor) {
                all.push(factor.variable);
            }
        }
    }
    all.reverse();
    all
}

/// The estimator of each discrete draw of q, in words.
pub fn discrete_draws(plan: &Plan) -> Vec<(VariableId, String)> {
    let of_q = plan.model.draws.iter().filter(|draw| !plan.model.sum.contains(draw.variable));
    let all = of_q.map(|draw| {
        let name = plan.name(draw.variable);
        let how = match &draw.method {
            DrawMethod::Enumerate { values } => {
                format!("every expectation over {name} is a sum over its {values} values; the gradient is exact")
            }
            DrawMethod::Relaxed { temperature } => format!(
                "in training {name} is drawn from a relaxation with temperature {}, so the objective is not a bound; elsewhere {name} is drawn from its distribution",
                temperature.value
            ),
            DrawMethod::StraightThrough => {
                format!("the draws of {name} have the gradient of their mean (straight-through), which is biased")
            }
            DrawMethod::Score => {
                let learned = draw.baseline.map(|id| format!(" and the learned {}", plan.model.nets[id.0].name));
                format!(
                    "the gradient is that of the score, with the mean of the other draws of {name}{} as baseline; it is unbiased",
                    learned.unwrap_or_default()
                )
            }
        };
        (draw.variable, format!("{} is discrete: {how}", plan.factor_text(Side::Q, draw.variable)))
    });
    all.collect()
}

/// The latents that q does not draw, and their sum in words.
pub fn summed(plan: &Plan) -> Option<(Vec<VariableId>, String)> {
    let sum = &plan.model.sum;
    if sum.is_empty() {
        return None;
    }
    let (largest, entries) = (sum.largest(), sum.entries());
    let how = format!(
        "ln p is exact: {} factors join tables of at most {largest} combinations of values, {entries} in all",
        sum.turns.len()
    );
    Some((sum.variables().collect(), how))
}

/// The factors in the bound before it is split into terms: all of p that are not certain, then those that q draws.
pub fn whole(plan: &Plan) -> Vec<(Side, VariableId)> {
    let p =
        plan.model.p.iter().rev().filter(|factor| !is_deterministic(factor)).map(|factor| (Side::P, factor.variable));
    let q = plan.model.q.iter().rev().filter(|factor| !is_deterministic(factor));
    p.chain(q.map(|factor| (Side::Q, factor.variable))).collect()
}
