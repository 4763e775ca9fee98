//! The names in expressions, apart from those that stand in `known(…)`.

use super::Checker;
use crate::ast::{self, Call, Expert, Expression, ExpressionKind, Name};
use crate::graph::VariableSet;

/// The word that reads a partly observed variable where it is observed. A named network of the file may have this name too,
/// and then takes its place.
const KNOWN: &str = "known";

/// Names that may be those of variables or values, in the order of their places.
pub(super) struct Mentioned<'a> {
    /// Whether `known` is the word of the language.
    is_word: bool,
    pub read: Vec<&'a Name>,
    /// Those in `known(…)`.
    pub known: Vec<&'a Name>,
}

impl<'a> Mentioned<'a> {
    fn none(is_word: bool) -> Self {
        Self { is_word, read: Vec::new(), known: Vec::new() }
    }

    pub fn of(expression: &'a Expression, is_word: bool) -> Self {
        let mut all = Self::none(is_word);
        all.add(expression);
        all
    }

    /// The names right of a factor's `=`.
    fn of_factor(factor: &'a ast::Factor, is_word: bool) -> Self {
        let mut all = Self::none(is_word);
        all.add(&factor.body);
        factor.experts.iter().for_each(|expert| all.add_expert(expert));
        factor.network.iter().for_each(|network| all.add(network));
        all
    }

    fn add_expert(&mut self, expert: &'a Expert) {
        self.add(&expert.body);
        expert.network.iter().for_each(|network| self.add(network));
        expert.product.iter().for_each(|expert| self.add_expert(expert));
    }

    fn add(&mut self, expression: &'a Expression) {
        match &expression.kind {
            ExpressionKind::Number(_) | ExpressionKind::Learned(_) | ExpressionKind::Range(..) => {}
            ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => self.add(inner),
            ExpressionKind::Binary(_, left, right) => {
                self.add(left);
                self.add(right);
            }
            ExpressionKind::Pipeline(stages) => {
                // What is piped into `known` has that error alone.
                let known = stages.iter().rposition(|stage| self.is_word && is_called(stage, KNOWN)).unwrap_or(0);
                let mut inner = Self::none(true);
                stages[..known].iter().for_each(|stage| inner.add(stage));
                self.known.extend(inner.read.into_iter().chain(inner.known));
                stages[known..].iter().for_each(|stage| self.add(stage));
            }
            ExpressionKind::Call(call) => {
                let arguments = call.arguments.iter().flatten().map(|argument| &argument.value);
                match &call.arguments {
                    None => self.read.push(&call.name),
                    Some(_) if self.is_word && call.name.text == KNOWN => {
                        let mut inner = Self::none(true);
                        arguments.for_each(|argument| inner.add(argument));
                        self.known.extend(inner.read.into_iter().chain(inner.known));
                    }
                    Some(_) => arguments.for_each(|argument| self.add(argument)),
                }
            }
        }
    }
}

fn is_called(expression: &Expression, name: &str) -> bool {
    matches!(&expression.kind, ExpressionKind::Call(call) if call.name.text == name)
}

impl Checker<'_> {
    /// Whether `known(…)` is that of the language, and no named network of the file.
    pub(super) fn knows(&self) -> bool {
        self.nets.find(KNOWN).is_none_or(|at| self.nets.declared[at].is_let())
    }

    /// Whether a call is that of `known`. Without brackets it may be a value of the file.
    pub(super) fn is_known(&self, call: &Call) -> bool {
        call.name.text == KNOWN && self.knows() && (call.arguments.is_some() || self.nets.find(KNOWN).is_none())
    }

    /// The variables that the right side of a factor reads only through `known`, whether or not this is allowed. Networks and values
    /// are declared already.
    pub(super) fn only_known(&self, factor: &ast::Factor) -> VariableSet {
        let mentioned = Mentioned::of_factor(factor, self.knows());
        let mut known: VariableSet = mentioned.known.iter().filter_map(|name| self.find_variable(&name.text)).collect();
        let uses = || mentioned.read.iter().filter_map(|name| self.nets.find(&name.text));
        uses().for_each(|at| known.include(&self.nets.declared[at].reads.known));
        // Most files have none. The values read may be many.
        if known.is_empty() {
            return known;
        }
        let mut values: VariableSet = mentioned.read.iter().filter_map(|name| self.find_variable(&name.text)).collect();
        uses().for_each(|at| values.include(&self.nets.declared[at].reads.values));
        known.iter().filter(|id| !values.contains(*id)).collect()
    }
}
