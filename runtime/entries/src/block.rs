//! The entry of a block: its description for the compiler.

#[cfg(feature = "tensors")]
use crate::tensors;
use crate::{Arguments, Cost, Example, Parameter};

/// A piece of a network: a layer, a plain function on tensors, or a bijector.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub name: &'static str,
    pub docs: &'static str,
    pub role: Role,
    pub arity: Arity,
    pub parameters: &'static [Parameter],
    /// The type (a layer, a bijector) or the function in generated code.
    ///
    /// The configuration of a layer or bijector is the type of that name with `Config` appended: a struct with one
    /// field for each argument.
    pub runtime: &'static str,
    /// The shape of the output without the batch (for a flow, the shape of the base's value). The error states what the
    /// block needs, without the block's name.
    pub shape: ShapeRule,
    /// The cost, for inputs that passed `shape`.
    pub cost: fn(&Arguments, &[&[usize]]) -> Cost,
    /// Whether the output at a position depends only on inputs at this and earlier positions in raster order.
    pub causal: fn(&Arguments) -> bool,
    /// Uses for the tests of the laws.
    pub examples: &'static [Example],
    /// How it is built and applied at run time.
    #[cfg(feature = "tensors")]
    pub build: Build,
    /// Its CUDA C code, if it is a scalar function.
    #[cfg(feature = "tensors")]
    pub kernels: Option<fn() -> String>,
}

impl Block {
    /// The argument that may be inferred at the end of a pipeline, if the block has one.
    pub fn out(&self) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == "out")
    }

    /// Its properties as a flow, if it is one.
    pub fn flow(&self) -> Option<&Ways> {
        match &self.role {
            Role::Bijector(ways) => Some(ways),
            Role::Layer | Role::Function => None,
        }
    }
}

/// A block's output shape from its arguments and its inputs' shapes.
pub type ShapeRule = fn(&Arguments, &[&[usize]]) -> Result<Vec<usize>, String>;

/// How generated code uses a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A struct with parameters, built once.
    Layer,
    /// A function on tensors, without parameters.
    Function,
    /// An invertible map over a distribution.
    Bijector(Ways),
}

/// The properties of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// Whether it maps from the variable to the base, so that the log-density of a given value can be computed.
    pub forward: bool,
    /// Whether it takes an argument `context`: a second input.
    pub context: bool,
    /// Whether the base has another shape than the variable.
    pub reshapes: bool,
    /// The spaces of its values, if these are not all real numbers.
    pub values: &'static [&'static str],
}

/// The number of inputs of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// None: the same values for every record.
    None,
    One,
    /// Two, in a fixed order.
    Two,
    /// Three, in a fixed order.
    Three,
    /// Two or more. One input alone is the result.
    Many,
    /// One or more.
    Some,
}

/// How a block is built and applied.
#[cfg(feature = "tensors")]
#[derive(Debug, Clone, Copy)]
pub enum Build {
    /// Built from the shapes of its inputs.
    Layer(fn(&tensors::Params, &[&[usize]], &Arguments) -> tensors::Result<Box<dyn tensors::Layer>>),
    /// Applied to its inputs.
    Function(fn(&[&tensors::Tensor], &Arguments) -> tensors::Result<tensors::Tensor>),
    /// Built from the shape of the variable, and of a context if there is one.
    Bijector(fn(&tensors::Params, &[&[usize]], &Arguments) -> tensors::Result<std::sync::Arc<dyn tensors::Bijector>>),
}
