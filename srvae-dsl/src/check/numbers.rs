//! Arithmetic: the symbolic form of an expression, and its value at the checked parameters.

use super::Checker;
use super::nets::Definition;
use super::settings::show;
use crate::ast::{Expression, ExpressionKind, Space};
use crate::catalog::{self, LARGEST_SIZE, SpaceEntry};
use crate::diagnostics::{Diagnostic, messages};
use crate::graph::{Number, Operator, ParamId, Value};
use crate::source::Span;

/// The maximum number of elements of one variable.
const MOST_ELEMENTS: u64 = 1 << 32;

impl Checker<'_> {
    /// An expression as a number. None if it is not one; the error is then reported.
    pub(super) fn number(&mut self, expression: &Expression) -> Option<(Number, Value)> {
        match &expression.kind {
            ExpressionKind::Number(value) => Some((Number::Literal(value.clone()), value.clone())),
            ExpressionKind::Group(inner) => self.number(inner),
            ExpressionKind::Negate(inner) => {
                let (number, value) = self.number(inner)?;
                let zero = Value::Int(0);
                let result = self.compute(Operator::Subtract, &zero, &value, expression)?;
                if let Number::Literal(_) = number {
                    return Some((Number::Literal(result.clone()), result));
                }
                Some((binary(Operator::Subtract, Number::Literal(zero), number), result))
            }
            ExpressionKind::Binary(operator, left, right) => {
                let (left, right) = (self.number(left), self.number(right));
                let ((left, a), (right, b)) = (left?, right?);
                let result = self.compute(*operator, &a, &b, expression)?;
                Some((binary(*operator, left, right), result))
            }
            ExpressionKind::Range(..) => {
                self.findings.push(messages::range_for_number(expression.span));
                None
            }
            ExpressionKind::Pipeline(_) | ExpressionKind::Learned(_) => {
                self.findings.push(messages::network_for_number(expression.span));
                None
            }
            ExpressionKind::Call(call) => {
                let name = &call.name;
                if let (Some(index), None) =
                    (self.param_names().iter().position(|param| *param == name.text), &call.arguments)
                {
                    self.param_used[index] = true;
                    return Some((Number::Param(ParamId(index)), self.params[index].value.clone()));
                }
                if matches!(name.text.as_str(), "true" | "false") {
                    let value = crate::parse::word(&name.text);
                    return Some((Number::Literal(value.clone()), value));
                }
                let error = match self.what_is(&name.text) {
                    Some(what) => messages::not_a_number(&name.text, what, name.span),
                    None => messages::unknown_param(&name.text, name.span, self.param_names()),
                };
                self.findings.push(error);
                None
            }
        }
    }

    /// A number that is the same for all records, so not the length of a sequence: a size or an argument.
    pub(super) fn fixed(&mut self, expression: &Expression) -> Option<(Number, Value)> {
        self.without_length(expression, messages::length_for_size)
    }

    /// The same for a number of the objective.
    pub(super) fn fixed_weight(&mut self, expression: &Expression) -> Option<(Number, Value)> {
        self.without_length(expression, messages::length_for_weight)
    }

    fn without_length(
        &mut self,
        expression: &Expression,
        message: fn(&str, Span) -> Diagnostic,
    ) -> Option<(Number, Value)> {
        let (number, value) = self.number(expression)?;
        if let Some(length) = self.length.clone().filter(|length| self.depends_on(&number, length)) {
            self.findings.push(message(&length, expression.span));
            return None;
        }
        Some((number, value))
    }

    /// The value of a number at the checked parameters.
    pub(super) fn evaluate(&self, number: &Number) -> Result<Value, String> {
        match number {
            Number::Literal(value) => Ok(value.clone()),
            Number::Param(id) => Ok(self.params[id.0].value.clone()),
            Number::Binary(operator, left, right) => compute(*operator, &self.evaluate(left)?, &self.evaluate(right)?),
        }
    }

    /// The kind of item that a name refers to, if it is not a number.
    pub(super) fn what_is(&self, name: &str) -> Option<&'static str> {
        if self.find_variable(name).is_some() {
            return Some("a variable");
        }
        if let Some(net) = self.nets.declared.iter().find(|net| net.name == name) {
            return Some(if matches!(net.body, Definition::Let(_)) { "a value of the model" } else { "a network" });
        }
        if self.flows.contains(name) {
            return Some("a flow");
        }
        match (catalog::block(name), catalog::distribution(name), catalog::function(name)) {
            (Some(block), ..) if block.flow().is_some() => Some("a flow"),
            (Some(_), ..) => Some("a block"),
            (_, Some(_), _) => Some("a distribution"),
            (.., Some(_)) => Some("a function"),
            _ => None,
        }
    }

    fn compute(&mut self, operator: Operator, a: &Value, b: &Value, at: &Expression) -> Option<Value> {
        let result = compute(operator, a, b);
        if let Err(what) = &result {
            self.findings.push(messages::cannot_compute(what, at.span));
        }
        result.ok()
    }

    /// The sizes of a space, symbolic and at the checked parameters.
    pub(super) fn sizes(&mut self, entry: &SpaceEntry, space: &Space) -> Option<(Vec<Number>, Vec<usize>)> {
        let (least, most) = entry.ranks;
        if !(least..=most).contains(&space.sizes.len()) {
            let found = space.sizes.len();
            self.findings.push(messages::wrong_rank(entry.name, entry.sizes, least, most, found, space.span));
            return None;
        }
        let sizes: Vec<_> = space.sizes.iter().map(|size| self.size(size)).collect();
        let (numbers, shape): (Vec<_>, Vec<_>) = sizes.into_iter().collect::<Option<Vec<_>>>()?.into_iter().unzip();
        if shape.iter().fold(1, |total: u64, &size| total.saturating_mul(size as u64)) > MOST_ELEMENTS {
            self.findings.push(messages::shape_too_large(space.span, MOST_ELEMENTS));
            return None;
        }
        Some((numbers, shape))
    }

    fn size(&mut self, expression: &Expression) -> Option<(Number, usize)> {
        let (number, value) = self.fixed(expression)?;
        match value {
            Value::Int(size @ 1..) if size <= LARGEST_SIZE as i64 => Some((number, usize::try_from(size).ok()?)),
            _ => {
                self.findings.push(messages::wrong_size(&show(&value), expression.span, LARGEST_SIZE));
                None
            }
        }
    }

    fn depends_on(&self, number: &Number, param: &str) -> bool {
        match number {
            Number::Literal(_) => false,
            Number::Param(id) => self.params[id.0].name == param,
            Number::Binary(_, left, right) => self.depends_on(left, param) || self.depends_on(right, param),
        }
    }

    /// The entry of a space's name.
    pub(super) fn space_entry(&mut self, space: &Space) -> Option<&'static SpaceEntry> {
        let entry = catalog::SPACES.iter().copied().find(|entry| entry.name == space.name.text);
        if entry.is_none() {
            let known = catalog::SPACES.iter().map(|entry| entry.name).collect::<Vec<_>>();
            self.findings.push(messages::unknown_space(&space.name.text, space.name.span, known));
        }
        entry
    }
}

fn binary(operator: Operator, left: Number, right: Number) -> Number {
    Number::Binary(operator, Box::new(left), Box::new(right))
}

/// Integers stay integers where possible; a quotient that is not whole is a real number.
fn compute(operator: Operator, a: &Value, b: &Value) -> Result<Value, String> {
    let (x, y) = match (a, b) {
        (Value::Int(a), Value::Int(b)) => {
            let whole = match operator {
                Operator::Add => a.checked_add(*b),
                Operator::Subtract => a.checked_sub(*b),
                Operator::Multiply => a.checked_mul(*b),
                Operator::Divide if *b == 0 => return Err("division by zero".to_owned()),
                Operator::Divide => match a.checked_rem(*b) {
                    Some(0) => a.checked_div(*b),
                    _ => return Ok(Value::Real(*a as f64 / *b as f64)),
                },
            };
            return whole.map(Value::Int).ok_or_else(|| "the result does not fit 64 bits".to_owned());
        }
        _ => (real(a)?, real(b)?),
    };
    let result = match operator {
        Operator::Add => x + y,
        Operator::Subtract => x - y,
        Operator::Multiply => x * y,
        Operator::Divide => x / y,
    };
    if result.is_finite() { Ok(Value::Real(result)) } else { Err("the result is not finite".to_owned()) }
}

fn real(value: &Value) -> Result<f64, String> {
    as_real(value).ok_or_else(|| format!("{} is not a number", show(value)))
}

/// A number, if it is one.
pub(super) fn as_real(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Real(value) => Some(*value),
        Value::Bool(_) | Value::Word(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_stay_whole_where_they_can() {
        let divide = |a, b| compute(Operator::Divide, &Value::Int(a), &Value::Int(b));
        assert_eq!(divide(64, 4), Ok(Value::Int(16)));
        assert_eq!(divide(6, 4), Ok(Value::Real(1.5)));
        assert!(divide(1, 0).is_err() && divide(i64::MIN, -1).is_ok_and(|value| matches!(value, Value::Real(_))));
    }
}
