//! The training objective.

use super::super::ends::Ends;
use super::super::objective::weight_text;
use super::super::terms::{Addend, addends};
use super::symbols::plain;
use super::{align, factor_text, indicator, ranged};
use crate::graph::Weight;
use crate::plan::Plan;

/// The training objective, if it differs from the bound.
pub fn objective(plan: &Plan, ends: &Ends<'_>) -> Option<String> {
    if plan.derivation.objective.is_plain {
        return None;
    }
    let find = |name: &str| plan.model.weights.iter().find(|weight| weight.term == name);
    // Terms of a family are one if their weights are equal.
    let terms = plan.derivation.terms.iter();
    let terms = terms.map(|term| (term, find(&term.name).map_or_else(String::new, weight_text)));
    let mut lines = Vec::new();
    for (at, Addend { over, adds, kind, own, term, .. }) in addends(plan, terms, ends).into_iter().enumerate() {
        let own = format!("\\mathrm{{{kind}}}_{{{}}}", plain(&own));
        let sign = match (at, adds) {
            (0, true) => "",
            (_, true) => "+ ",
            (_, false) => "- ",
        };
        let sum = over.as_ref().map_or_else(String::new, |over| ranged("sum", over));
        let own = find(&term.name).map_or_else(|| own.clone(), |weight| weighted(weight, &own));
        lines.push(format!("{sign}{sum}{own}"));
    }
    for addend in &plan.model.addends {
        let (sign, scale) =
            if addend.scale.value < 0.0 { ("-", -addend.scale.value) } else { ("+", addend.scale.value) };
        let scale = if scale == 1.0 { String::new() } else { format!("{scale} \\, ") };
        let name = |id| ends.spelling.text(plan.name(id));
        let condition = addend.condition.map_or_else(String::new, |id| format!("{} ", indicator(&name(id))));
        lines.push(format!("{sign} {scale}{condition}\\ln {}", factor_text(plan, addend.side, addend.variable, ends)));
    }
    lines[0] = format!("\\mathcal{{L}} = {{}}& {}", lines[0]);
    lines.iter_mut().skip(1).for_each(|line| *line = format!("& {line}"));
    Some(align(&lines))
}

/// A term with its weight. t counts in the ramp's unit.
fn weighted(weight: &Weight, term: &str) -> String {
    let scale = (weight.scale.value != 1.0).then(|| format!("{} \\, ", weight.scale.value));
    let ramp = weight
        .ramp
        .as_ref()
        .map(|ramp| format!("\\min\\left(1, t_{{\\text{{{}}}}} / {}\\right) ", ramp.unit.name(), ramp.length.value));
    let term = match &weight.free {
        Some(free) => format!("\\max\\left({}, {term}\\right)", free.value),
        None => term.to_owned(),
    };
    [scale, ramp, Some(term)].into_iter().flatten().collect()
}
