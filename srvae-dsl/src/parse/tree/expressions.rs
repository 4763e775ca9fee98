//! Expressions: pipelines, arithmetic, calls and numbers.

use super::{Builder, Parts, word};
use crate::ast::{Argument, Call, Expression, ExpressionKind, Setting, Space};
use crate::diagnostics::{MOST_OPERATORS, messages};
use crate::graph::{Operator, Value};
use crate::parse::Rule;
use crate::source::Span;
use pest::iterators::{Pair, Pairs};

impl Builder {
    pub(super) fn setting(&self, pair: Pair<'_, Rule>) -> Option<Setting> {
        let mut parts = Parts(pair.into_inner());
        let name = self.name(parts.skip_to(Rule::name)?);
        let literal = parts.skip_to(Rule::literal)?;
        let value_span = self.span(&literal);
        Some(Setting { name, value: self.literal(literal)?, value_span })
    }

    pub(super) fn literal(&self, literal: Pair<'_, Rule>) -> Option<Value> {
        let mut negative = false;
        for part in literal.into_inner() {
            return Some(match part.as_rule() {
                Rule::minus => {
                    negative = true;
                    continue;
                }
                Rule::number => match self.number(&part) {
                    Value::Int(value) if negative => Value::Int(-value),
                    Value::Real(value) if negative => Value::Real(-value),
                    value => value,
                },
                Rule::name => word(part.as_str()),
                _ => continue,
            });
        }
        None
    }

    pub(super) fn space(&self, pair: Pair<'_, Rule>) -> Option<Space> {
        let span = self.span(&pair);
        let mut parts = Parts(pair.into_inner());
        let name = self.name(parts.skip_to(Rule::name)?);
        let sizes = parts.0.filter(|part| part.as_rule() == Rule::sum);
        Some(Space { name, sizes: sizes.map(|size| self.expression(size)).collect::<Option<_>>()?, span })
    }

    /// An expression, a sum, a product or an operand: a chain of parts with operators between them.
    ///
    /// The recursion depth is the nesting of brackets, which the layout limits.
    pub(super) fn expression(&self, pair: Pair<'_, Rule>) -> Option<Expression> {
        let (rule, span) = (pair.as_rule(), self.span(&pair));
        match rule {
            Rule::expression => {
                let stages = pair.into_inner().filter(|part| part.as_rule() != Rule::pipe);
                let mut stages: Vec<_> = stages.map(|stage| self.expression(stage)).collect::<Option<_>>()?;
                if stages.len() == 1 {
                    return stages.pop();
                }
                Some(Expression { kind: ExpressionKind::Pipeline(stages), span })
            }
            Rule::sum | Rule::product | Rule::scale => self.chain(pair.into_inner()),
            Rule::operand => self.operand(pair.into_inner(), span),
            Rule::group => {
                let inner = self.expression(Parts(pair.into_inner()).skip_to(Rule::expression)?)?;
                Some(Expression { kind: ExpressionKind::Group(Box::new(inner)), span })
            }
            Rule::learned => {
                let space = match Parts(pair.into_inner()).skip_to(Rule::space) {
                    Some(space) => Some(self.space(space)?),
                    None => None,
                };
                Some(Expression { kind: ExpressionKind::Learned(space), span })
            }
            Rule::call => Some(Expression { kind: ExpressionKind::Call(self.call(pair)?), span }),
            Rule::number => Some(Expression { kind: ExpressionKind::Number(self.number(&pair)), span }),
            _ => None,
        }
    }

    pub(super) fn chain(&self, mut parts: Pairs<'_, Rule>) -> Option<Expression> {
        let mut left = self.expression(parts.next()?)?;
        while let Some(sign) = parts.next() {
            let operator = match sign.as_rule() {
                Rule::plus => Operator::Add,
                Rule::minus => Operator::Subtract,
                Rule::times => Operator::Multiply,
                _ => Operator::Divide,
            };
            let right = self.expression(parts.next()?)?;
            self.operators.set(self.operators.get() + 1);
            if self.operators.get() > MOST_OPERATORS {
                // Reported at the end. A deeper tree is not built.
                continue;
            }
            let span = left.span.to(right.span);
            left = Expression { kind: ExpressionKind::Binary(operator, Box::new(left), Box::new(right)), span };
        }
        Some(left)
    }

    pub(super) fn operand(&self, mut parts: Pairs<'_, Rule>, span: Span) -> Option<Expression> {
        let first = parts.next()?;
        if first.as_rule() != Rule::minus {
            return self.expression(first);
        }
        let inner = self.expression(parts.next()?)?;
        Some(Expression { kind: ExpressionKind::Negate(Box::new(inner)), span })
    }

    pub(super) fn call(&self, pair: Pair<'_, Rule>) -> Option<Call> {
        let mut parts = pair.into_inner();
        let name = self.indexed(parts.next()?)?;
        let Some(list) = parts.next() else { return Some(Call { name, arguments: None }) };
        let arguments = list.into_inner().filter(|part| part.as_rule() == Rule::argument);
        Some(Call { name, arguments: Some(arguments.map(|part| self.argument(part)).collect::<Option<_>>()?) })
    }

    pub(super) fn argument(&self, pair: Pair<'_, Rule>) -> Option<Argument> {
        let mut name = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::label => name = Some(self.name(part)),
                Rule::expression => return Some(Argument { name, value: self.expression(part)? }),
                Rule::range => return Some(Argument { name, value: self.range(part)? }),
                _ => {}
            }
        }
        None
    }

    pub(super) fn range(&self, pair: Pair<'_, Rule>) -> Option<Expression> {
        let span = self.span(&pair);
        let (mut ends, mut after) = ([None, None], 0);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::dots => after = 1,
                _ => ends[after] = Some(Box::new(self.expression(part)?)),
            }
        }
        let [from, to] = ends;
        Some(Expression { kind: ExpressionKind::Range(from, to), span })
    }

    pub(super) fn number(&self, pair: &Pair<'_, Rule>) -> Value {
        let text = pair.as_str();
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            if let Ok(value) = text.parse() {
                return Value::Int(value);
            }
        } else if let Ok(value) = text.parse::<f64>()
            && value.is_finite()
        {
            return Value::Real(value);
        }
        let too_large = messages::number_too_large(self.span(pair));
        self.failure.borrow_mut().get_or_insert_with(|| Box::new(too_large));
        Value::Int(0)
    }
}
