//! `let h = …`: functions of variables, each checked as a network whose arguments are the variables it stands for.
//!
//! What a factor may read, the order of the factors, closed forms and modes are questions about those variables, so nothing
//! after the checks has to know that a value has a name.

use super::nets::{Declared, Definition};
use super::{Checker, docs};
use crate::ast::{Expression, ExpressionKind, File, Formal, Item, ItemKind, Name};
use crate::diagnostics::messages;
use std::collections::{BTreeMap, BTreeSet};

/// A `let` of the file.
struct Value<'a> {
    item: &'a Item,
    name: &'a Name,
    value: &'a Expression,
    /// Variables and other values that it names itself, in the order of their places.
    reads: Vec<&'a Name>,
}

impl<'a> Checker<'a> {
    /// Declares every `let` with the variables it stands for, directly or through others.
    pub(super) fn declare_lets(&mut self, file: &'a File) {
        let values: Vec<Value<'a>> = file.items.iter().filter_map(value).collect();
        let by_name: BTreeMap<&str, usize> =
            values.iter().enumerate().map(|(at, value)| (value.name.text.as_str(), at)).collect();
        let mut stands_for: Vec<Option<Vec<Formal>>> = values.iter().map(|_| None).collect();
        // Those whose values are all known, pass after pass: the order of the lines does not matter.
        let mut left = values.len();
        loop {
            for (at, value) in values.iter().enumerate().filter(|_| left > 0) {
                if stands_for[at].is_none() {
                    stands_for[at] = self.stands_for(value, &by_name, &stands_for);
                }
            }
            let now = stands_for.iter().filter(|formals| formals.is_none()).count();
            if now == left {
                break;
            }
            left = now;
        }
        for (value, formals) in values.into_iter().zip(stands_for) {
            let Some(formals) = formals else {
                self.findings.push(messages::let_circle(&value.name.text, value.name.span));
                continue;
            };
            if formals.is_empty()
                && !is_learned(value.value)
                && !value.reads.iter().any(|read| by_name.contains_key(read.text.as_str()))
            {
                self.findings.push(messages::let_of_nothing(&value.name.text, value.value.span));
            }
            self.nets.declare(Declared {
                name: value.name.text.clone(),
                docs: docs(value.item),
                formals,
                output: None,
                body: Definition::Let(value.value),
                span: value.name.span,
            });
        }
    }
}

impl Checker<'_> {
    /// The variables a value stands for; nothing while one that it reads is not known.
    fn stands_for(
        &self,
        value: &Value<'_>,
        by_name: &BTreeMap<&str, usize>,
        known: &[Option<Vec<Formal>>],
    ) -> Option<Vec<Formal>> {
        let (mut formals, mut seen): (Vec<Formal>, BTreeSet<String>) = Default::default();
        for name in &value.reads {
            match by_name.get(name.text.as_str()) {
                Some(at) => formals.extend(known[*at].as_ref()?.iter().cloned()),
                None if self.find_variable(&name.text).is_some() => {
                    formals.push(Formal { name: (*name).clone(), space: None });
                }
                // Parameters, blocks and networks; what is nothing is reported where it is read.
                None => {}
            }
        }
        formals.retain(|formal| seen.insert(formal.name.text.clone()));
        Some(formals)
    }
}

fn value(item: &Item) -> Option<Value<'_>> {
    let ItemKind::Let { name, value } = &item.kind else { return None };
    let mut reads = Vec::new();
    names(value, &mut reads);
    Some(Value { item, name, value, reads })
}

/// Names that stand alone in an expression, and those of what is called.
fn names<'a>(expression: &'a Expression, all: &mut Vec<&'a Name>) {
    match &expression.kind {
        ExpressionKind::Number(_) | ExpressionKind::Learned(_) | ExpressionKind::Range(..) => {}
        ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => names(inner, all),
        ExpressionKind::Binary(_, left, right) => {
            names(left, all);
            names(right, all);
        }
        ExpressionKind::Pipeline(stages) => stages.iter().for_each(|stage| names(stage, all)),
        ExpressionKind::Call(call) => {
            if call.arguments.is_none() {
                all.push(&call.name);
            }
            for argument in call.arguments.iter().flatten() {
                names(&argument.value, all);
            }
        }
    }
}

/// Whether something in an expression is learned.
fn is_learned(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Number(_) | ExpressionKind::Range(..) => false,
        ExpressionKind::Learned(_) => true,
        ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => is_learned(inner),
        ExpressionKind::Binary(_, left, right) => is_learned(left) || is_learned(right),
        ExpressionKind::Pipeline(stages) => stages.iter().any(is_learned),
        ExpressionKind::Call(call) => call.arguments.iter().flatten().any(|argument| is_learned(&argument.value)),
    }
}
