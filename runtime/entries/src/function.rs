//! The entry of a deterministic function, which may be a factor of q as a point mass.

use crate::cost::bounded;
use crate::{Arguments, Example, Parameter, Space};

/// A function of one variable with discrete range.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    pub docs: &'static str,
    pub parameters: &'static [Parameter],
    /// The name of the function in generated code.
    pub runtime: &'static str,
    pub origin: Origin,
    /// The space of the examples' inputs.
    pub from: Space,
    /// Space and shape of the value for an input of this space and shape. The error states what the function needs,
    /// without its name. None if the data determine the value.
    pub range: RangeRule,
    /// The spaces of its values, for hints.
    pub spaces: &'static [Space],
    /// Uses for the tests of the laws.
    pub examples: &'static [Example],
    /// The value for an input. None if the data determine it.
    #[cfg(feature = "tensors")]
    pub apply: Option<fn(&crate::tensors::Tensor, &Arguments) -> crate::tensors::Result<crate::tensors::Tensor>>,
}

/// A space with a shape, if the function determines it.
pub type Range = Result<Option<(Space, Vec<usize>)>, String>;

/// A function's range from its arguments and its input's space and shape.
pub type RangeRule = fn(&Arguments, Space, &[usize]) -> Range;

/// The origin of a deterministic factor's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Generated code computes it from the input.
    Computed,
    /// It comes with the data, as a field with the variable's name.
    Data,
    /// Generated code computes it from the input, in p. q keeps the input where the result is the observed value.
    Rounded,
}

/// The range of a function whose values are images.
pub(crate) fn images(shape: Vec<usize>) -> Range {
    bounded(shape).map(|shape| Some((Space::Image, shape)))
}

/// Channels, height and width of an image.
pub(crate) fn image(space: Space, shape: &[usize]) -> Result<(usize, usize, usize), String> {
    match (space, shape) {
        (Space::Image, &[channels, height, width]) => Ok((channels, height, width)),
        _ => Err("needs an image".to_owned()),
    }
}
