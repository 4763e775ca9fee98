//! The entry of a block: what the compiler knows of a piece of a network.

use super::{Args, Parameter};

/// A piece of a network: a layer, a plain function on tensors, or a bijector.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub name: &'static str,
    pub docs: &'static str,
    pub role: Role,
    pub arity: Arity,
    pub parameters: &'static [Parameter],
    /// The type (a layer, a bijector) or the function that generated code names.
    ///
    /// A layer's or bijector's configuration is the type of that name with `Config` after it: a struct with one field
    /// for each argument.
    pub runtime: &'static str,
    /// The shape of the output, without the batch; the message says what the block needs, without naming the block.
    pub shape: ShapeRule,
    /// What it costs, for inputs that passed `shape`.
    pub cost: fn(&Args<'_>, &[&[usize]]) -> Cost,
}

impl Block {
    /// The argument that inference may fill in at the end of a pipeline, where the block has one.
    pub fn out(&self) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == "out")
    }

    pub fn is_bijector(&self) -> bool {
        matches!(self.role, Role::Bijector { .. })
    }
}

/// A block's output shape from its arguments and its inputs' shapes.
pub type ShapeRule = fn(&Args<'_>, &[&[usize]]) -> Result<Vec<usize>, String>;

/// How generated code uses a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A struct that holds parameters, built once.
    Layer,
    /// A function on tensors, without parameters.
    Function,
    /// An invertible map over a distribution; `forward` goes towards the base, `inverse` from it.
    Bijector { forward: bool, inverse: bool },
}

/// How many inputs a block reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    One,
    /// Two or more.
    Many,
}

/// Parameters, and what one image's forward pass takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    pub parameters: u64,
    pub multiply_accumulates: u64,
    /// Elements kept for the gradient.
    pub kept: u64,
    /// Elements that the layer with the hungriest backward pass takes while it runs.
    pub passing: u64,
    /// Elements of the kernels composed of the weights, all layers' together: for a whole batch, not for an image.
    pub composed: u64,
    /// Elements that the largest layer's kernels take besides while it runs.
    pub transformed: u64,
    /// Elements of the largest layer's input and output together.
    pub widest: u64,
}

impl Cost {
    /// Parameters alone.
    pub const fn held(parameters: u64) -> Self {
        Self { parameters, ..Self::NONE }
    }

    /// A function without parameters: it keeps its output; gradients of input and output pass.
    pub const fn of_values(elements: u64) -> Self {
        let both = elements.saturating_mul(2);
        Self { kept: elements, passing: both, widest: both, ..Self::NONE }
    }

    const NONE: Self =
        Self { parameters: 0, multiply_accumulates: 0, kept: 0, passing: 0, composed: 0, transformed: 0, widest: 0 };
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            parameters: self.parameters.saturating_add(other.parameters),
            multiply_accumulates: self.multiply_accumulates.saturating_add(other.multiply_accumulates),
            kept: self.kept.saturating_add(other.kept),
            passing: self.passing.max(other.passing),
            composed: self.composed.saturating_add(other.composed),
            transformed: self.transformed.max(other.transformed),
            widest: self.widest.max(other.widest),
        }
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |total, cost| total + cost)
    }
}
