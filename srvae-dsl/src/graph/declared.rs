//! What the file declares: parameters and variables, and the numbers they are made of.

use super::{ParamId, Space, Value, VariableId};
use crate::source::Span;

/// `param growth = 64`.
#[derive(Debug, Clone)]
pub struct Param {
    pub name: String,
    pub docs: Vec<String>,
    /// The value in the file.
    pub default: Value,
    /// The value this model was checked at (the default, or what a preset or `--set` made of it).
    pub value: Value,
    pub span: Span,
}

/// `preset quick { growth = 8 }`.
#[derive(Debug, Clone)]
pub struct Preset {
    pub name: String,
    pub docs: Vec<String>,
    pub values: Vec<(ParamId, Value)>,
    pub span: Span,
}

/// A number in an argument or a shape, in symbolic form.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    Literal(Value),
    Param(ParamId),
    Binary(Operator, Box<Number>, Box<Number>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    /// As the language writes it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

/// What is known of a variable when the model is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `observed`: part of the data, with a factor in p.
    Observed,
    /// `partly observed`: part of the data of some records, with a factor in p, and one in q that others draw it from.
    Partly,
    /// `latent`: with a factor in p and a factor in q.
    Latent,
    /// `global`: a latent with one value for all records.
    Global,
    /// `given`: part of the data, with no factor; everything may depend on it.
    Given,
}

impl Role {
    /// As the language writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Partly => "partly observed",
            Self::Latent => "latent",
            Self::Global => "global",
            Self::Given => "given",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Variable {
    pub name: String,
    pub docs: Vec<String>,
    pub role: Role,
    pub space: Space,
    /// Without the batch, symbolic.
    pub dims: Vec<Number>,
    /// Without the batch, at the checked parameters.
    pub shape: Vec<usize>,
    /// The step of the length that it is of.
    pub step: Option<usize>,
    /// The first of the members of its family that stand before it, their values one after the other up to its own.
    pub since: VariableId,
    pub span: Span,
}
