//! The entry of a block: what the compiler knows of a piece of a network.

use crate::{Arguments, Cost, Parameter};

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
    /// The shape of the output (of a flow: of what it leaves to the base), without the batch; the message says what the block needs, without naming the block.
    pub shape: ShapeRule,
    /// What it costs, for inputs that passed `shape`.
    pub cost: fn(&Arguments, &[&[usize]]) -> Cost,
    /// Whether the output at a position is made of the inputs' values there and before it in raster order alone.
    pub causal: fn(&Arguments) -> bool,
    /// Uses that the laws are tried on.
    pub examples: &'static [Example],
    /// How it is made and applied at run time.
    #[cfg(feature = "tensors")]
    pub build: crate::Build,
    /// CUDA C of its own, where it is a scalar function.
    #[cfg(feature = "tensors")]
    pub kernels: Option<fn() -> String>,
}

impl Block {
    /// The argument that inference may fill in at the end of a pipeline, where the block has one.
    pub fn out(&self) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == "out")
    }

    /// What is known of it as a flow, where it is one.
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
    /// A struct that holds parameters, built once.
    Layer,
    /// A function on tensors, without parameters.
    Function,
    /// An invertible map over a distribution.
    Bijector(Ways),
}

/// What a flow can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// From the variable to the base: the log-density of a value from elsewhere.
    pub forward: bool,
    /// Whether it takes an argument `context`: a second input.
    pub context: bool,
    /// Whether the base's shape is another than the variable's.
    pub reshapes: bool,
    /// Spaces that its values fill, where they are not all real numbers.
    pub values: &'static [&'static str],
}

/// How many inputs a block reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Nothing: the same values for every record.
    None,
    One,
    /// Two, in an order.
    Two,
    /// Two or more.
    Many,
}

/// A use of an entry, small enough that every law can be tried on it.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    pub arguments: fn() -> Arguments,
    /// Shapes of the inputs of a block, or of the variable under a distribution, flow or function, without the batch.
    pub inputs: &'static [&'static [usize]],
}
