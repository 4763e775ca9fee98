//! An entry of the catalogue applied.

use crate::graph::Argument;

/// An entry of the catalogue applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The name in the language.
    pub name: &'static str,
    /// The name of the function or type in the runtime.
    pub runtime: &'static str,
    pub arguments: Vec<Argument>,
    /// Whether its inputs are a list, and whether its last argument is a list.
    pub many: bool,
    pub repeats: bool,
}

impl Call {
    /// A call with one input, and without a list among the arguments.
    pub fn of_one(name: &'static str, runtime: &'static str, arguments: Vec<Argument>) -> Self {
        Self { name, runtime, arguments, many: false, repeats: false }
    }
}
