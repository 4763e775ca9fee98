//! Arithmetic on the values of a network: `a + b` of equal shapes, and `2 * a + 1` with numbers.
//!
//! Each operator becomes a block of the catalogue, so later stages need no special case.

use super::network::Builder;
use crate::ast::Expression;
use crate::catalog;
use crate::diagnostics::messages;
use crate::graph::{Argument, NodeId, Number, Op, Operator, Use, Value};
use crate::source::Span;

impl Builder<'_, '_> {
    /// `left operator right`, where at least one of them is not a number. `head` is the shape that is expected here, if there
    /// is one.
    pub(super) fn arithmetic(
        &mut self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        head: Option<&[usize]>,
        span: Span,
    ) -> Option<NodeId> {
        match (self.reads_anything(left), self.reads_anything(right)) {
            (true, true) => {
                let (left, right) = (self.value(left, head), self.value(right, head));
                let name = match operator {
                    Operator::Add => "add",
                    Operator::Subtract => "subtract",
                    Operator::Multiply => "multiply",
                    Operator::Divide => "divide",
                };
                self.block(name, Vec::new(), vec![left?, right?], span)
            }
            (true, false) => {
                let (node, number) = (self.value(left, head)?, self.checker.fixed(right)?.0);
                match operator {
                    Operator::Add => self.scaled(node, one(), number, span),
                    Operator::Subtract => self.scaled(node, one(), negated(number), span),
                    Operator::Multiply => self.scaled(node, number, zero(), span),
                    Operator::Divide => self.scaled(node, binary(Operator::Divide, one(), number), zero(), span),
                }
            }
            (false, _) => {
                let (number, node) = (self.checker.fixed(left)?.0, self.value(right, head)?);
                match operator {
                    Operator::Add => self.scaled(node, one(), number, span),
                    Operator::Subtract => self.scaled(node, negated(one()), number, span),
                    Operator::Multiply => self.scaled(node, number, zero(), span),
                    Operator::Divide => {
                        let inverse = self.block("reciprocal", Vec::new(), vec![node], span)?;
                        match number {
                            Number::Literal(Value::Int(1)) => Some(inverse),
                            _ => self.scaled(inverse, number, zero(), span),
                        }
                    }
                }
            }
        }
    }

    /// `scale · node + shift`.
    pub(super) fn scaled(&mut self, node: NodeId, scale: Number, shift: Number, span: Span) -> Option<NodeId> {
        self.block("affine", vec![("scale", scale), ("shift", shift)], vec![node], span)
    }

    /// A block of the catalogue without learned parameters, with these arguments.
    pub(super) fn block(
        &mut self,
        name: &'static str,
        arguments: Vec<(&'static str, Number)>,
        inputs: Vec<NodeId>,
        span: Span,
    ) -> Option<NodeId> {
        let entry = catalog::block(name)?;
        let mut args = Vec::with_capacity(arguments.len());
        for (name, number) in arguments {
            let parameter = entry.parameters.iter().find(|parameter| parameter.name == name)?;
            let found = self.checker.evaluate(&number);
            let Some(value) = found.as_ref().ok().and_then(|value| parameter.kind.accept(value)) else {
                let (wanted, found) =
                    (parameter.kind.describe(), found.map_or_else(|why| why, |value| value.to_string()));
                self.checker.findings.push(messages::wrong_value(entry.name, name, &wanted, &found, span));
                return None;
            };
            args.push(Argument { name: parameter.name, number, value });
        }
        let entry = Use { entry, args, span };
        let shape = self.shape(&entry, &inputs, span)?;
        let path = if entry.entry.role == catalog::Role::Layer { self.path(name) } else { String::new() };
        Some(self.push(Op::Block { block: entry, inferred: false }, inputs, shape, path, span, span))
    }
}

fn zero() -> Number {
    Number::Literal(Value::Real(0.0))
}

fn one() -> Number {
    Number::Literal(Value::Real(1.0))
}

fn negated(number: Number) -> Number {
    match number {
        Number::Literal(Value::Int(value)) => Number::Literal(Value::Real(-(value as f64))),
        Number::Literal(Value::Real(value)) => Number::Literal(Value::Real(-value)),
        other => binary(Operator::Subtract, zero(), other),
    }
}

fn binary(operator: Operator, left: Number, right: Number) -> Number {
    Number::Binary(operator, Box::new(left), Box::new(right))
}
