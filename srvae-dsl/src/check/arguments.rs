//! Checks the arguments of blocks, distributions and functions against their entries.

use super::Checker;
use super::settings::show;
use crate::ast;
use crate::catalog::{self, Kind, Parameter};
use crate::diagnostics::messages;
use crate::graph::{Argument, Number, Value};
use crate::source::Span;

/// The parts of an entry that matter for its arguments.
#[derive(Clone, Copy)]
pub(super) struct Signature {
    pub name: &'static str,
    pub parameters: &'static [Parameter],
}

/// The arguments of a use, in the entry's order.
pub(super) struct Arguments {
    pub args: Vec<Argument>,
    /// Whether `out` was not given; its argument is then a placeholder.
    pub out_missing: bool,
}

impl Checker<'_> {
    /// The arguments, with defaults for those not given. None if one is wrong; the error is then reported.
    pub(super) fn arguments(&mut self, entry: Signature, given: &[ast::Argument], call: Span) -> Option<Arguments> {
        let slots = self.assign(entry, given)?;
        let mut result = Arguments { args: Vec::new(), out_missing: false };
        let mut complete = true;
        for (parameter, values) in entry.parameters.iter().zip(slots) {
            for value in &values {
                match self.argument(entry.name, parameter, value) {
                    Some(argument) => result.args.push(argument),
                    None => complete = false,
                }
            }
            if values.is_empty() {
                match parameter.default {
                    Some(default) => result.args.push(literal(parameter, default.into())),
                    None if parameter.name == "out" => {
                        result.out_missing = true;
                        result.args.push(literal(parameter, Value::Int(0)));
                    }
                    None => {
                        let error = messages::missing_argument(entry.name, parameter.name, parameter.docs, call);
                        self.findings.push(error);
                        complete = false;
                    }
                }
            }
        }
        complete.then_some(result)
    }

    /// Assigns expressions to the parameters of the entry.
    fn assign<'e>(&mut self, entry: Signature, given: &'e [ast::Argument]) -> Option<Vec<Vec<&'e ast::Expression>>> {
        let mut slots: Vec<Vec<&ast::Expression>> = vec![Vec::new(); entry.parameters.len()];
        let (mut complete, mut next, mut first_named) = (true, 0, None);
        for argument in given {
            if let (None, ast::ExpressionKind::Range(from, to)) = (&argument.name, &argument.value.kind) {
                complete &= self.ends(entry, &mut slots, [from, to], argument.value.span);
                continue;
            }
            let found = match &argument.name {
                Some(name) => {
                    first_named.get_or_insert(name.span);
                    self.named(entry, name)
                }
                None if first_named.is_some() => {
                    let named = first_named.unwrap_or_default();
                    self.findings.push(messages::positional_after_named(argument.value.span, named));
                    None
                }
                None => match entry.parameters.get(next) {
                    None => {
                        let known: Vec<&str> = entry.parameters.iter().map(|parameter| parameter.name).collect();
                        let natural = catalog::distribution(entry.name).map_or(&[][..], |entry| entry.natural);
                        let natural: Vec<&str> = natural.iter().map(|natural| natural.name).collect();
                        let span = argument.value.span;
                        self.findings.push(messages::too_many_arguments(entry.name, &known, &natural, span));
                        return None;
                    }
                    Some(parameter) => {
                        next += usize::from(!parameter.repeats);
                        Some(next - usize::from(!parameter.repeats))
                    }
                },
            };
            let Some(index) = found else {
                complete = false;
                continue;
            };
            if let (Some(first), false) = (slots[index].first(), entry.parameters[index].repeats) {
                let name = entry.parameters[index].name;
                self.findings.push(messages::argument_twice(name, argument.value.span, first.span));
                complete = false;
            }
            slots[index].push(&argument.value);
        }
        complete.then_some(slots)
    }

    /// `channels(4..8)`: the arguments `from` and `to`. False if the entry has no such arguments.
    fn ends<'e>(
        &mut self,
        entry: Signature,
        slots: &mut [Vec<&'e ast::Expression>],
        ends: [&'e Option<Box<ast::Expression>>; 2],
        span: Span,
    ) -> bool {
        for (name, end) in ["from", "to"].into_iter().zip(ends) {
            let Some(at) = entry.parameters.iter().position(|parameter| parameter.name == name) else {
                self.findings.push(messages::range_for_number(span));
                return false;
            };
            slots[at].extend(end.as_deref());
        }
        true
    }

    fn named(&mut self, entry: Signature, name: &ast::Name) -> Option<usize> {
        let found = entry.parameters.iter().position(|parameter| parameter.name == name.text);
        if found.is_none() {
            let known = entry.parameters.iter().map(|parameter| parameter.name).collect::<Vec<_>>();
            self.findings.push(messages::unknown_argument(entry.name, &name.text, name.span, known));
        }
        found
    }

    fn argument(&mut self, entry: &str, parameter: &Parameter, expression: &ast::Expression) -> Option<Argument> {
        let word = matches!(parameter.kind, Kind::Word(_)).then(|| bare_word(expression)).flatten();
        let (number, value) = match word {
            Some(value) => (Number::Literal(value.clone()), value),
            None => self.fixed(expression)?,
        };
        match parameter.kind.accept(&value) {
            Some(value) => Some(Argument { name: parameter.name, number, value }),
            None => {
                let wanted = parameter.kind.describe();
                let error = messages::wrong_value(entry, parameter.name, &wanted, &show(&value), expression.span);
                self.findings.push(error);
                None
            }
        }
    }
}

/// A single name: the value of an argument that accepts one of several words.
fn bare_word(expression: &ast::Expression) -> Option<Value> {
    let call = expression.as_call()?;
    call.arguments.is_none().then(|| Value::Word(call.name.text.clone()))
}

fn literal(parameter: &Parameter, value: Value) -> Argument {
    Argument { name: parameter.name, number: Number::Literal(value.clone()), value }
}
