//! The arguments that an entry accepts, and their values at a use.

use std::fmt;

/// An argument of an entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    /// None: the argument must be given. An `out` without a default is inferred at the end of a pipeline.
    pub default: Option<Literal>,
    /// Whether it accepts any number of values, at least one. Only the last argument of an entry may repeat.
    pub repeats: bool,
    pub docs: &'static str,
}

/// A value in a declaration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Literal {
    Int(i64),
    Real(f64),
    Bool(bool),
    Word(&'static str),
}

/// A value of an argument, or of a parameter of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Int(i64),
    Real(f64),
    Bool(bool),
    /// A word, such as `order: alternate`.
    Word(String),
}

impl fmt::Display for Value {
    /// The value as written in the language.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(out),
            Self::Real(value) => write!(out, "{value:?}"),
            Self::Bool(value) => value.fmt(out),
            Self::Word(word) => word.fmt(out),
        }
    }
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

/// The type of an argument with its valid values, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Int { least: i64, most: i64 },
    Real { least: f64, most: f64 },
    Bool,
    Word(&'static [&'static str]),
}

impl Kind {
    /// The valid values, in words.
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

    /// The value converted to this type, if it is valid. An integer is a valid real number.
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

/// The arguments of a use by name, checked against the entry's parameters, in their order, with defaults.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments(pub Vec<(&'static str, Value)>);

impl Arguments {
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |(own, _)| *own == name).map(|(_, value)| value)
    }
}

/// A type that a configuration's field may have.
pub trait Field: Sized {
    /// The argument of this name. The checks have verified its kind and range. A missing one is 0 or false.
    fn read(arguments: &Arguments, parameter: &Parameter) -> Self;

    /// The reverse conversion: one value, or several for a repeated argument.
    fn values(&self) -> Vec<Value>;
}

impl Field for usize {
    fn read(arguments: &Arguments, parameter: &Parameter) -> Self {
        arguments.named(parameter.name).next().map_or(0, whole)
    }

    fn values(&self) -> Vec<Value> {
        vec![Value::Int(*self as i64)]
    }
}

impl Field for Vec<usize> {
    fn read(arguments: &Arguments, parameter: &Parameter) -> Self {
        arguments.named(parameter.name).map(whole).collect()
    }

    fn values(&self) -> Vec<Value> {
        self.iter().map(|value| Value::Int(*value as i64)).collect()
    }
}

impl Field for f64 {
    fn read(arguments: &Arguments, parameter: &Parameter) -> Self {
        match arguments.named(parameter.name).next() {
            Some(Value::Real(value)) => *value,
            Some(Value::Int(value)) => *value as f64,
            _ => 0.0,
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![Value::Real(*self)]
    }
}

impl Field for bool {
    fn read(arguments: &Arguments, parameter: &Parameter) -> Self {
        matches!(arguments.named(parameter.name).next(), Some(Value::Bool(true)))
    }

    fn values(&self) -> Vec<Value> {
        vec![Value::Bool(*self)]
    }
}

impl Field for &'static str {
    fn read(arguments: &Arguments, parameter: &Parameter) -> Self {
        match (arguments.named(parameter.name).next(), parameter.kind) {
            (Some(Value::Word(word)), Kind::Word(words)) => {
                words.iter().copied().find(|known| known == word).unwrap_or_default()
            }
            _ => "",
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![Value::Word((*self).to_owned())]
    }
}

/// Ranges in the declarations keep integers non-negative.
fn whole(value: &Value) -> usize {
    match value {
        Value::Int(value) => usize::try_from(*value).unwrap_or(0),
        _ => 0,
    }
}
