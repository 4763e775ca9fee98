//! `p(x | v) = floor(v)` with `q(v | x) = … |> onto(x)`. Given v, x is certain because v stays in the cells of x; each
//! of the two needs the other.

use super::Checker;
use crate::catalog::Origin;
use crate::diagnostics::messages;
use crate::graph::{Body, Factor, Op, Stage, Value, VariableId};

impl Checker<'_> {
    /// Every `floor` in p needs an `onto` in q, and vice versa.
    pub(super) fn cells(&mut self, p: &[Factor], q: &[Factor]) {
        if self.findings.has_errors() {
            return;
        }
        for factor in p {
            let Some(v) = rounds(factor) else { continue };
            let stays = q.iter().filter(|other| other.variable == v).any(|other| {
                let Body::Stochastic { flows, .. } = &other.body else { return false };
                flows.last().and_then(image) == Some(factor.variable)
            });
            if !stays {
                let place = q.iter().find(|other| other.variable == v).map_or(factor.span, |other| other.span);
                let (x, v) = (&self.variable(factor.variable).name, &self.variable(v).name);
                self.findings.push(messages::floor_without_onto(x, v, factor.span, place));
            }
        }
        for factor in p.iter().chain(q) {
            let Body::Stochastic { flows, .. } = &factor.body else { continue };
            for (at, stage) in flows.iter().enumerate().filter(|(_, stage)| is_onto(stage)) {
                let has_function = |x| p.iter().any(|it| it.variable == x && rounds(it) == Some(factor.variable));
                let is_outermost = at + 1 == flows.len();
                if !is_outermost || !image(stage).is_some_and(has_function) {
                    let name = &self.variable(factor.variable).name;
                    self.findings.push(messages::onto_elsewhere(name, stage.flow.span));
                } else if !is_within_one(factor, at) {
                    self.findings.push(messages::onto_of_anything(stage.flow.span));
                }
            }
        }
    }
}

/// The variable that a factor of p rounds.
fn rounds(factor: &Factor) -> Option<VariableId> {
    match &factor.body {
        Body::Deterministic { function, input } if function.entry.origin == Origin::Rounded => Some(*input),
        Body::Deterministic { .. } | Body::Stochastic { .. } | Body::Mixture { .. } => None,
    }
}

fn is_onto(stage: &Stage) -> bool {
    stage.flow.entry.name == "onto"
}

/// The image in whose cells a flow stays.
fn image(stage: &Stage) -> Option<VariableId> {
    let context = stage.context.as_ref().filter(|_| is_onto(stage))?;
    match context.nodes[context.output.0].op {
        Op::Variable(id) => Some(id),
        _ => None,
    }
}

/// Whether the input of a flow is between 0 and 1.
fn is_within_one(factor: &Factor, at: usize) -> bool {
    let Body::Stochastic { base, flows, .. } = &factor.body else { return false };
    if let Some(below) = at.checked_sub(1) {
        return flows[below].flow.entry.name == "sigmoid";
    }
    let end = |name: &str| match base.value(name) {
        Some(Value::Real(value)) => *value,
        Some(Value::Int(value)) => *value as f64,
        _ => f64::NAN,
    };
    base.entry.name == "uniform" && end("low") >= 0.0 && end("high") <= 1.0
}
