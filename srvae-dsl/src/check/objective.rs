//! `weight KL_z = …` and `objective + …`: the training objective, where it differs from the bound.

use super::Checker;
use super::arguments::Signature;
use super::numbers::as_real;
use super::settings::show;
use crate::ast::{self, Call, Expression, ExpressionKind, File, ItemKind, Name};
use crate::catalog::{Kind, Literal, Parameter};
use crate::diagnostics::messages;
use crate::graph::{Addend, Body, Factor, Number, Operator, Quantity, Ramp, RampUnit, Role, Value, VariableId, Weight};
use crate::source::Span;

/// The maximum length of a ramp in passes or steps, and the maximum of free nats.
const MOST: f64 = 1e9;

const fn parameter(name: &'static str, docs: &'static str) -> Parameter {
    let kind = Kind::Real { least: 0.0, most: MOST };
    Parameter { name, kind, default: Some(Literal::Real(0.0)), repeats: false, docs }
}

static RAMP: [Parameter; 2] = [
    parameter("passes", "over the training data after which the weight is 1"),
    parameter("steps", "updates after which the weight is 1"),
];

static FREE: [Parameter; 1] =
    [parameter("nats", "a record below which the mean over a batch counts as so many, without a gradient")];

/// The factors of a weight.
#[derive(Default)]
struct Parts {
    scale: Option<Quantity>,
    ramp: Option<Ramp>,
    free: Option<Quantity>,
}

impl Checker<'_> {
    pub(super) fn weights(&mut self, file: &File, p: &[Factor], q: &[Factor]) -> Vec<Weight> {
        let known = self.term_names(p, q);
        let mut weights: Vec<Weight> = Vec::new();
        for item in &file.items {
            let ItemKind::Weight { term, value } = &item.kind else { continue };
            if !known.contains(&term.text) {
                // After an error in a factor its term is unknown, and that error is enough.
                if !self.findings.has_errors() {
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    self.findings.push(messages::unknown_weight(&term.text, term.span, known));
                }
                continue;
            }
            if let Some(first) = weights.iter().find(|weight| weight.term == term.text) {
                self.findings.push(messages::weight_twice(&term.text, term.span, first.span));
                continue;
            }
            let mut parts = Parts::default();
            let Some(()) = self.weight(value, &mut parts) else { continue };
            if parts.free.is_some() && !term.text.starts_with("KL_") {
                self.findings.push(messages::free_reconstruction(&term.text, value.span));
                continue;
            }
            let scale = parts.scale.unwrap_or(Quantity { number: Number::Literal(Value::Real(1.0)), value: 1.0 });
            if scale.value < 0.0 {
                self.findings.push(messages::negative_weight(&term.text, value.span, scale.value));
                continue;
            }
            weights.push(Weight {
                term: term.text.clone(),
                scale,
                ramp: parts.ramp,
                free: parts.free,
                span: term.span,
            });
        }
        weights
    }

    /// The terms of the bound, with the names of the derivation.
    fn term_names(&self, p: &[Factor], q: &[Factor]) -> Vec<String> {
        let mut names = Vec::new();
        for (at, variable) in self.variables.iter().enumerate() {
            let is_determined = is_function(q, VariableId(at));
            let (reconstruction, divergence) = match variable.role {
                // A variable that p computes is certain and has no term.
                Role::Observed => (!is_function(p, VariableId(at)), false),
                Role::Partly => (true, q.iter().any(|factor| factor.variable == VariableId(at))),
                Role::Latent | Role::Global => (is_determined, !is_determined),
                Role::Given => (false, false),
            };
            names.extend(reconstruction.then(|| format!("RE_{}", variable.name)));
            names.extend(divergence.then(|| format!("KL_{}", variable.name)));
        }
        names
    }

    /// The factors of a product: numbers, ramps and free nats.
    fn weight(&mut self, value: &Expression, parts: &mut Parts) -> Option<()> {
        match &value.ungrouped().kind {
            ExpressionKind::Binary(Operator::Multiply, left, right) => {
                let (left, right) = (self.weight(left, parts), self.weight(right, parts));
                left.and(right)
            }
            ExpressionKind::Call(call) if call.arguments.is_some() => self.part(call, value.span, parts),
            _ => {
                let quantity = self.quantity(value)?;
                parts.scale = Some(match parts.scale.take() {
                    Some(before) => times(before, quantity),
                    None => quantity,
                });
                Some(())
            }
        }
    }

    fn part(&mut self, call: &Call, span: Span, parts: &mut Parts) -> Option<()> {
        let given = call.arguments.as_deref().unwrap_or_default();
        match call.name.text.as_str() {
            "ramp" => {
                let signature = Signature { name: "ramp", parameters: &RAMP };
                let args = self.arguments(signature, given, span)?.args;
                let lengths = args.into_iter().zip([RampUnit::Passes, RampUnit::Steps]);
                let lengths = lengths.filter_map(|(argument, unit)| {
                    let length = Quantity { value: as_real(&argument.value)?, number: argument.number };
                    (length.value > 0.0).then_some(Ramp { unit, length })
                });
                let lengths: Vec<Ramp> = lengths.collect();
                let ([ramp], None) = (lengths.as_slice(), &parts.ramp) else {
                    self.findings.push(messages::ramp_length(span));
                    return None;
                };
                parts.ramp = Some(ramp.clone());
            }
            "free" => {
                let signature = Signature { name: "free", parameters: &FREE };
                let args = self.arguments(signature, given, span)?.args;
                let nats = args
                    .into_iter()
                    .find_map(|argument| Some(Quantity { value: as_real(&argument.value)?, number: argument.number }));
                let (Some(nats), None) = (nats.filter(|nats| nats.value > 0.0), &parts.free) else {
                    self.findings.push(messages::free_nats(span));
                    return None;
                };
                parts.free = Some(nats);
            }
            other => {
                self.findings.push(messages::unknown_weighting(other, call.name.span));
                return None;
            }
        }
        Some(())
    }

    fn quantity(&mut self, expression: &Expression) -> Option<Quantity> {
        let (number, value) = self.fixed_weight(expression)?;
        let found = as_real(&value).map(|value| Quantity { number, value });
        if found.is_none() {
            self.findings.push(messages::weight_is_no_number(&show(&value), expression.span));
        }
        found
    }

    pub(super) fn addends(&mut self, file: &File, factors: &[&[Factor]]) -> Vec<Addend> {
        let stated = file.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Objective(addends) => Some(addends),
            _ => None,
        });
        stated.flatten().filter_map(|addend| self.addend(addend, factors)).collect()
    }

    fn addend(&mut self, stated: &ast::Addend, factors: &[&[Factor]]) -> Option<Addend> {
        let variable = self.lookup(&stated.variable)?;
        let mut all = factors.iter().copied().flatten();
        let Some(factor) = all.find(|factor| factor.side == stated.side && factor.variable == variable) else {
            if !self.findings.has_errors() {
                let (side, name) = (stated.side.name(), &stated.variable.text);
                self.findings.push(messages::no_such_factor(side, name, stated.head));
            }
            return None;
        };
        self.same_head(stated, factor)?;
        if matches!(factor.body, Body::Deterministic { .. }) {
            let name = &stated.variable.text;
            self.findings.push(messages::log_of_function(name, stated.head, factor.span));
            return None;
        }
        let scale = match &stated.scale {
            Some(scale) => self.quantity(scale)?,
            None => Quantity { number: Number::Literal(Value::Real(1.0)), value: 1.0 },
        };
        let scale = match stated.sign {
            Operator::Subtract => negated(scale),
            _ => scale,
        };
        let condition = match &stated.condition {
            Some(name) => Some(self.presence(name)?),
            None => None,
        };
        Some(Addend { side: stated.side, variable, scale, condition, span: stated.head })
    }

    /// The variables right of the bar must be those of the factor.
    fn same_head(&mut self, stated: &ast::Addend, factor: &Factor) -> Option<()> {
        let reader = (stated.side.name(), stated.variable.text.as_str());
        let parents: Vec<_> = stated.parents.iter().map(|name| self.meant(name, reader)).collect();
        let parents = parents.into_iter().collect::<Option<Vec<_>>>()?.concat();
        let parents: Vec<VariableId> = parents.into_iter().flatten().map(VariableId).collect();
        let same = parents.len() == factor.parents.len() && parents.iter().all(|id| factor.parents.contains(*id));
        if !same {
            let names: Vec<&str> = factor.parents.iter().map(|id| self.variable(id).name.as_str()).collect();
            let bar = if names.is_empty() { "" } else { " | " };
            let head = format!("{}({}{bar}{})", stated.side.name(), stated.variable.text, names.join(", "));
            self.findings.push(messages::other_parents(&head, stated.head, factor.span));
        }
        same.then_some(())
    }

    /// A partly observed variable.
    fn presence(&mut self, name: &Name) -> Option<VariableId> {
        let id = self.lookup(name)?;
        let variable = self.variable(id);
        let what = match variable.role {
            Role::Partly => return Some(id),
            Role::Observed => "observed in every record",
            Role::Given => "given with every record",
            Role::Latent | Role::Global => "observed in no record",
        };
        let error = messages::never_missing(&variable.name, what, name.span, variable.span);
        self.findings.push(error);
        None
    }
}

/// Whether the factor of a variable is a function.
fn is_function(factors: &[Factor], id: VariableId) -> bool {
    factors.iter().any(|factor| factor.variable == id && matches!(factor.body, Body::Deterministic { .. }))
}

fn times(left: Quantity, right: Quantity) -> Quantity {
    let number = Number::Binary(Operator::Multiply, Box::new(left.number), Box::new(right.number));
    Quantity { number, value: left.value * right.value }
}

fn negated(quantity: Quantity) -> Quantity {
    let value = -quantity.value;
    let number = match quantity.number {
        Number::Literal(_) => Number::Literal(Value::Real(value)),
        number => {
            let zero = Number::Literal(Value::Real(0.0));
            Number::Binary(Operator::Subtract, Box::new(zero), Box::new(number))
        }
    };
    Quantity { number, value }
}
