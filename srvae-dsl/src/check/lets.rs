//! `let h = …`: functions of variables. Each is checked as a network that reads variables and other values by name.
//!
//! Checks of parents, order, closed forms and modes use the variables that a value depends on, which are computed once
//! for each value.

use super::mentioned::Mentioned;
use super::nets::{Declared, Definition};
use super::{Checker, docs};
use crate::ast::{Expression, ExpressionKind, File, Item, ItemKind, Name};
use crate::catalog::{self, Arity};
use crate::diagnostics::messages;
use crate::graph::Dependences;
use std::collections::BTreeMap;

/// A `let` of the file.
struct Value<'a> {
    item: &'a Item,
    name: &'a Name,
    value: &'a Expression,
    /// Variables and other values that it reads directly.
    reads: Mentioned<'a>,
}

impl<'a> Checker<'a> {
    /// Declares every `let` with the variables that it depends on, directly or through other values.
    pub(super) fn declare_lets(&mut self, file: &'a File) {
        let is_word = self.knows();
        let values: Vec<Value<'a>> = file.items.iter().filter_map(|item| value(item, is_word)).collect();
        let by_name: BTreeMap<&str, usize> =
            values.iter().enumerate().map(|(at, value)| (value.name.text.as_str(), at)).collect();
        let mut stands_for: Vec<Option<Dependences>> = vec![None; values.len()];
        for at in ordered(&values, &by_name) {
            let mentioned = &values[at].reads;
            let known = mentioned.known.iter().filter_map(|name| self.find_variable(&name.text));
            let mut reads = Dependences { known: known.collect(), ..Dependences::default() };
            for name in &mentioned.read {
                match by_name.get(name.text.as_str()) {
                    Some(other) => stands_for[*other].iter().for_each(|other| reads.include(other)),
                    // Parameters, blocks and networks are not variables. An unknown name is reported where it is read.
                    None => reads.values.extend(self.find_variable(&name.text)),
                }
            }
            stands_for[at] = Some(reads);
        }
        for circle in circles(&values, &by_name, |at| stands_for[at].is_none()) {
            let names: Vec<_> =
                circle.iter().map(|at| (values[*at].name.text.as_str(), values[*at].name.span)).collect();
            self.findings.diagnostics.extend(messages::let_circle(&names));
        }
        for (value, reads) in values.into_iter().zip(stands_for) {
            let Some(reads) = reads else { continue };
            if reads.is_empty()
                && !has_source(value.value)
                && !value.reads.read.iter().any(|read| by_name.contains_key(read.text.as_str()))
            {
                self.findings.push(messages::let_of_nothing(&value.name.text, value.value.span));
            }
            self.nets.declare(Declared {
                name: value.name.text.clone(),
                docs: docs(value.item),
                formals: Vec::new(),
                reads,
                output: None,
                body: Definition::Let(value.value),
                span: value.name.span,
            });
        }
    }
}

/// Sorts values after those that they read. Values on a cycle, and those that read them, are left out.
fn ordered(values: &[Value<'_>], by_name: &BTreeMap<&str, usize>) -> Vec<usize> {
    let mut waits: Vec<usize> = vec![0; values.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); values.len()];
    for (at, value) in values.iter().enumerate() {
        for other in value.reads.read.iter().filter_map(|name| by_name.get(name.text.as_str())) {
            waits[at] += 1;
            readers[*other].push(at);
        }
    }
    let mut ready: Vec<usize> = (0..values.len()).filter(|at| waits[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = ready.get(next).copied() {
        next += 1;
        for reader in &readers[at] {
            waits[*reader] -= 1;
            if waits[*reader] == 0 {
                ready.push(*reader);
            }
        }
    }
    ready
}

/// The cycles among the values that have no order, each once.
fn circles(values: &[Value<'_>], by_name: &BTreeMap<&str, usize>, is_left: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let (mut visited, mut all) = (vec![false; values.len()], Vec::new());
    for start in (0..values.len()).filter(|at| is_left(*at)) {
        let (mut walk, mut at) = (Vec::new(), start);
        // Every value that is left reads another one that is left.
        while !std::mem::replace(&mut visited[at], true) {
            walk.push(at);
            let mut read = values[at].reads.read.iter().filter_map(|name| by_name.get(name.text.as_str()).copied());
            match read.find(|other| is_left(*other)) {
                Some(other) => at = other,
                None => return all,
            }
        }
        if let Some(first) = walk.iter().position(|seen| *seen == at) {
            all.push(walk.split_off(first));
        }
    }
    all
}

fn value(item: &Item, is_word: bool) -> Option<Value<'_>> {
    let ItemKind::Let { name, value } = &item.kind else { return None };
    Some(Value { item, name, value, reads: Mentioned::of(value, is_word) })
}

/// Whether an expression contains a value without inputs: a learned one, or `constant(…)`.
fn has_source(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Number(_) | ExpressionKind::Range(..) => false,
        ExpressionKind::Learned(_) => true,
        ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => has_source(inner),
        ExpressionKind::Binary(_, left, right) => has_source(left) || has_source(right),
        ExpressionKind::Pipeline(stages) => stages.iter().any(has_source),
        ExpressionKind::Call(call) => {
            let is_source = |name: &str| catalog::block(name).is_some_and(|block| block.arity == Arity::None);
            let arguments = call.arguments.as_deref();
            arguments.is_some_and(|arguments| {
                is_source(&call.name.text) || arguments.iter().any(|argument| has_source(&argument.value))
            })
        }
    }
}
