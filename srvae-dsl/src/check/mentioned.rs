//! The names in expressions, apart from those that stand in `known(…)`.

use super::Checker;
use crate::ast::{self, Expert, Expression, ExpressionKind, Name};
use crate::graph::Dependences;

/// The word that reads a partly observed variable where it is observed.
pub(super) const KNOWN: &str = "known";

/// Names that may be those of variables or values, in the order of their places.
#[derive(Default)]
pub(super) struct Mentioned<'a> {
    pub read: Vec<&'a Name>,
    /// Those in `known(…)`.
    pub known: Vec<&'a Name>,
}

impl<'a> Mentioned<'a> {
    pub fn of(expression: &'a Expression) -> Self {
        let mut all = Self::default();
        all.add(expression);
        all
    }

    /// The names right of a factor's `=`.
    fn of_factor(factor: &'a ast::Factor) -> Self {
        let mut all = Self::default();
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
            ExpressionKind::Pipeline(stages) => stages.iter().for_each(|stage| self.add(stage)),
            ExpressionKind::Call(call) => {
                let arguments = call.arguments.iter().flatten().map(|argument| &argument.value);
                match &call.arguments {
                    None => self.read.push(&call.name),
                    Some(_) if call.name.text == KNOWN => {
                        let mut inner = Self::default();
                        arguments.for_each(|argument| inner.add(argument));
                        self.known.extend(inner.read.into_iter().chain(inner.known));
                    }
                    Some(_) => arguments.for_each(|argument| self.add(argument)),
                }
            }
        }
    }
}

impl Checker<'_> {
    /// What the right side of a factor reads, whether or not this is allowed. Values (`let`) are declared already.
    pub(super) fn read_by(&self, factor: &ast::Factor) -> Dependences {
        let (mentioned, mut reads) = (Mentioned::of_factor(factor), Dependences::default());
        for name in mentioned.read {
            match self.nets.find(&name.text) {
                Some(at) => reads.include(&self.nets.declared[at].reads),
                None => reads.values.extend(self.find_variable(&name.text)),
            }
        }
        reads.known.extend(mentioned.known.into_iter().filter_map(|name| self.find_variable(&name.text)));
        reads
    }
}
