//! The declarations of a file: parameters and variables, with their numbers.

use super::{ParamId, Space, Value, VariableId};
use crate::source::Span;

/// `param growth = 64`.
#[derive(Debug, Clone)]
pub struct Param {
    pub name: String,
    pub docs: Vec<String>,
    /// The value in the file.
    pub default: Value,
    /// The value at which this model was checked: the default, or the value of a preset or of `--set`.
    pub value: Value,
    pub span: Span,
}

/// `checkpoint t = 32`, for an index with this number of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    pub values: usize,
    /// At least 1.
    pub every: usize,
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
    /// The operator in the language.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

/// The role of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `observed`: part of the data, with a factor in p.
    Observed,
    /// `partly observed`: present in some records, with a factor in p, and a factor in q for records without it.
    Partly,
    /// `latent`: with a factor in p and a factor in q.
    Latent,
    /// `global`: a latent with one value for all records.
    Global,
    /// `given`: part of the data, without a factor. Every factor may depend on it.
    Given,
}

impl Role {
    /// The name in the language.
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
    /// The step of the sequence that the variable belongs to.
    pub step: Option<usize>,
    /// The first of the preceding members of its family whose index values are consecutive up to this variable.
    pub since: VariableId,
    pub span: Span,
}
