//! What arguments an entry takes, and their values at a use.

use crate::graph::{Argument, Value};

/// An argument of an entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    /// None: the argument must be given. An `out` without default is left to inference at the end of a pipeline.
    pub default: Option<Literal>,
    /// Any number of values, at least one; only the last argument of an entry may repeat.
    pub repeats: bool,
    pub docs: &'static str,
}

impl Parameter {
    pub(super) const fn int(name: &'static str, range: (i64, i64), docs: &'static str) -> Self {
        Self { name, kind: Kind::Int { least: range.0, most: range.1 }, default: None, repeats: false, docs }
    }

    pub(super) const fn or(mut self, default: Literal) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn repeated(mut self) -> Self {
        self.repeats = true;
        self
    }
}

/// A default in the tables.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Literal {
    Int(i64),
    Real(f64),
    Bool(bool),
    Word(&'static str),
}

impl From<Literal> for Value {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Int(value) => Self::Int(value),
            Literal::Real(value) => Self::Real(value),
            Literal::Bool(value) => Self::Bool(value),
            Literal::Word(value) => Self::Word(value.to_owned()),
        }
    }
}

/// The type of an argument, with the values it may have, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Int { least: i64, most: i64 },
    Real { least: f64, most: f64 },
    Bool,
    Word(&'static [&'static str]),
}

impl Kind {
    /// The values it may have, in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Int { least, most } => format!("a whole number from {least} to {most}"),
            Self::Real { least, most } => format!("a number from {least} to {most}"),
            Self::Bool => "true or false".to_owned(),
            Self::Word(words) => {
                let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", quoted.join(", "))
            }
        }
    }

    /// The value as this type holds it, where it is one: an integer is a real too.
    pub fn accept(&self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Int { least, most }, Value::Int(v)) if (least..=most).contains(&v) => Some(value.clone()),
            (Self::Real { least, most }, Value::Real(v)) if (least..=most).contains(&v) => Some(value.clone()),
            (Self::Real { .. }, Value::Int(v)) => self.accept(&Value::Real(*v as f64)),
            (Self::Bool, Value::Bool(_)) => Some(value.clone()),
            (Self::Word(words), Value::Word(word)) if words.contains(&word.as_str()) => Some(value.clone()),
            _ => None,
        }
    }
}

/// The checked arguments of a use, by name.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a>(pub &'a [Argument]);

impl Args<'_> {
    /// An integer argument. Ranges in the tables keep it non-negative; an absent one reads as 0.
    pub fn size(&self, name: &str) -> usize {
        self.sizes(name).first().copied().unwrap_or(0)
    }

    /// The values of a repeated integer argument.
    pub fn sizes(&self, name: &str) -> Vec<usize> {
        let named = self.0.iter().filter(|argument| argument.name == name);
        named
            .map(|argument| match argument.value {
                Value::Int(value) => usize::try_from(value).unwrap_or(0),
                _ => 0,
            })
            .collect()
    }
}
