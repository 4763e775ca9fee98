//! Entries of the catalogue in a model.

use super::{Number, Value};
use crate::catalog::Arguments;
use crate::source::Span;

/// An entry of the catalogue with its arguments: every argument of the entry, in the entry's order, defaults filled in.
#[derive(Debug, Clone)]
pub struct Use<E: 'static> {
    pub entry: &'static E,
    pub args: Vec<Argument>,
    pub span: Span,
}

impl<E> Use<E> {
    /// The arguments' values, by name.
    pub fn values(&self) -> Arguments {
        Arguments(self.args.iter().map(|argument| (argument.name, argument.value.clone())).collect())
    }

    /// The value of an argument, of the first one if it repeats.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.args.iter().find(|argument| argument.name == name).map(|argument| &argument.value)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    pub name: &'static str,
    pub number: Number,
    /// At the checked parameters.
    pub value: Value,
}
