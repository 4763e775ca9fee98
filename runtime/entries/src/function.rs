//! The entry of a deterministic function: what may stand in a factor of q that puts all mass on one value.

use crate::cost::bounded;
use crate::{Arguments, Example, Parameter, Space};

/// A function of one variable with discrete range.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    pub docs: &'static str,
    pub parameters: &'static [Parameter],
    /// The function that generated code names.
    pub runtime: &'static str,
    pub origin: Origin,
    /// What the examples' inputs are.
    pub from: Space,
    /// Space and shape of the value for an input of this space and shape; the message says what the function needs,
    /// without naming it. None where the data alone decide.
    pub range: RangeRule,
    /// The spaces of its range, for hints.
    pub spaces: &'static [Space],
    /// Uses that the laws are tried on.
    pub examples: &'static [Example],
    /// The value for an input; none where the data alone decide.
    #[cfg(feature = "tensors")]
    pub apply: Option<fn(&crate::tensors::Tensor, &Arguments) -> crate::tensors::Result<crate::tensors::Tensor>>,
}

/// A space with a shape, where the function decides it.
pub type Range = Result<Option<(Space, Vec<usize>)>, String>;

/// A function's range from its arguments and its input's space and shape.
pub type RangeRule = fn(&Arguments, Space, &[usize]) -> Range;

/// Where the value of a deterministic factor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Generated code computes it from the input.
    Computed,
    /// It comes with the data, beside the input, under the variable's name.
    Data,
    /// Generated code computes it from the input, in p: q keeps the input where the value is the right one.
    Rounded,
}

/// The range of a function that yields images.
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
