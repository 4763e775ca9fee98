//! The training objective in words and in LaTeX, if it differs from the bound.

use super::blocks::{Block, gathered};
use super::ends::{Ends, key};
use super::members::Row;
use crate::derive::Cause;
use crate::graph::{Addend, Quantity, Weight};
use crate::plan::{Plan, addend_text};
use serde_json::{Value, json};

/// The weight of a term as written in the language: `0.5 * ramp(steps: 400) * free(nats: 0.25)`.
pub fn weight_text(weight: &Weight) -> String {
    let scale = (weight.scale.value != 1.0).then(|| number(&weight.scale));
    let ramp = weight.ramp.as_ref().map(|ramp| format!("ramp({}: {})", ramp.unit.name(), number(&ramp.length)));
    let free = weight.free.as_ref().map(|free| format!("free(nats: {})", number(free)));
    let all: Vec<String> = [scale, ramp, free].into_iter().flatten().collect();
    if all.is_empty() { "1".to_owned() } else { all.join(" * ") }
}

fn number(quantity: &Quantity) -> String {
    quantity.value.to_string()
}

/// The effect of a weight, in words.
fn effect(weight: &Weight) -> String {
    let scale = match weight.scale.value {
        1.0 => "has weight 1".to_owned(),
        scale => format!("has weight {scale}"),
    };
    let ramp = weight
        .ramp
        .as_ref()
        .map(|ramp| format!("rising linearly from 0 over {} {}", number(&ramp.length), ramp.unit.name()));
    let free = weight
        .free
        .as_ref()
        .map(|free| format!("replaced by {} nats, without a gradient, if its mean is below them", number(free)));
    [Some(scale), ramp, free].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The sum: `RE_x − 0.5 KL_z + 0.1 ln q(y | x) where y is observed`.
pub fn sum(plan: &Plan) -> String {
    let weighted = plan.derivation.terms.iter().map(|term| {
        let weight = plan.model.weights.iter().find(|weight| weight.term == term.name).map(weight_text);
        (term, weight.filter(|weight| weight != "1").map_or_else(String::new, |weight| format!("{weight} * ")))
    });
    let mut text = super::terms::sum(plan, weighted, &Ends::of(plan));
    for addend in &plan.model.addends {
        text += &format!(" {}", signed(plan, addend));
    }
    text
}

/// `+ 0.1 * ln q(y | x) where y is observed`.
fn signed(plan: &Plan, addend: &Addend) -> String {
    let (sign, scale) = if addend.scale.value < 0.0 { ("−", -addend.scale.value) } else { ("+", addend.scale.value) };
    let scale = if scale == 1.0 { String::new() } else { format!("{scale} * ") };
    format!("{sign} {scale}{}", addend_text(plan, addend))
}

/// Lines of the explanation. None if the training objective is the bound.
pub fn lines(plan: &Plan) -> Vec<String> {
    let objective = &plan.derivation.objective;
    if objective.is_plain {
        return Vec::new();
    }
    let mut lines = vec![sum(plan)];
    let ends = Ends::of(plan);
    let rows = plan.model.weights.iter().map(|weight| {
        let (kind, name) = weight.term.split_once('_').unwrap_or_default();
        let row = Row::of(key(kind, name), ends.member(name));
        row.text(kind, &ends).text(name, &ends).text(&effect(weight), &ends)
    });
    let rows: Vec<Row<'_>> = rows.collect();
    for (row, over) in gathered(&rows, &ends).into_iter().flat_map(Block::each) {
        let clause = over.map_or_else(String::new, |over| format!(" {}", over.clause()));
        lines.push(format!("{}_{} {}{clause}", row.text(0), row.text(1), row.text(2)));
    }
    lines.push(standing(plan, &ends));
    lines
}

/// Whether it is a bound, and the reasons.
fn standing(plan: &Plan, ends: &Ends<'_>) -> String {
    let said = |reasons: &[Cause]| {
        let row = |Cause { variable, text }: &Cause| {
            let name = variable.map_or("", |id| plan.name(id));
            Row::of(key("", name), ends.member(name)).text(text, ends)
        };
        let rows: Vec<Row<'_>> = reasons.iter().map(row).collect();
        let each = gathered(&rows, ends).into_iter().flat_map(Block::each).map(|(row, over)| {
            let clause = over.map_or_else(String::new, |over| format!(" {}", over.clause()));
            row.text(0) + &clause
        });
        each.collect::<Vec<_>>()
    };
    plan.derivation.objective.text(&plan.derivation.bounded.text(&plan.model), said)
}

/// The objective as JSON.
pub fn json(plan: &Plan) -> Value {
    let objective = &plan.derivation.objective;
    let weights = plan.model.weights.iter().map(|weight| {
        let free = weight.free.as_ref().map_or(0.0, |free| free.value);
        let mut object = json!({ "term": weight.term, "scale": weight.scale.value, "free_nats": free });
        if let Some(ramp) = &weight.ramp {
            object["ramp"] = json!({ "unit": ramp.unit.name(), "length": ramp.length.value });
        }
        object
    });
    let added = plan.model.addends.iter().map(|addend| {
        json!({
            "text": addend_text(plan, addend),
            "scale": addend.scale.value,
            "where": addend.condition.map(|id| plan.name(id)),
        })
    });
    json!({
        "text": sum(plan),
        "weights": weights.collect::<Vec<_>>(),
        "added": added.collect::<Vec<_>>(),
        "bounds": objective.bounds(),
        "standing": standing(plan, &Ends::of(plan)),
    })
}
