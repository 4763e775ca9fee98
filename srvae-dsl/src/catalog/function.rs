//! The table of deterministic functions: what may stand in a factor of q that puts all mass on one value.

use super::cost::bounded;
use super::{Args, Literal, Parameter};
use crate::graph::Space;

/// A function of one variable with discrete range.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    pub docs: &'static str,
    pub parameters: &'static [Parameter],
    /// The function that generated code names.
    pub runtime: &'static str,
    pub origin: Origin,
    /// Space and shape of the value for an input of this space and shape; the message says what the function needs,
    /// without naming it. None where the data alone decide.
    pub range: RangeRule,
    /// The spaces of its range, for hints.
    pub spaces: &'static [Space],
}

/// A space with a shape, where the function decides it.
pub type Range = Result<Option<(Space, Vec<usize>)>, String>;

/// A function's range from its arguments and its input's space and shape.
pub type RangeRule = fn(&Args<'_>, Space, &[usize]) -> Range;

/// Where the value of a deterministic factor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Generated code computes it from the input.
    Computed,
    /// It comes with the data, beside the input, under the variable's name.
    Data,
}

/// All functions.
pub static FUNCTIONS: [Function; 5] = [
    Function {
        name: "downscale",
        docs: "The image at a fraction of its height and width, by a triangle filter, rounded to the grid.",
        parameters: &[Parameter::int("factor", (2, 64), "divisor of height and width").or(Literal::Int(2))],
        runtime: "downscale",
        origin: Origin::Computed,
        range: |args, space, shape| {
            let (channels, height, width) = image(space, shape)?;
            let factor = args.size("factor").max(1);
            if height % factor != 0 || width % factor != 0 {
                return Err(format!("needs height and width that {factor} divides"));
            }
            range(vec![channels, height / factor, width / factor])
        },
        spaces: &[Space::Image],
    },
    Function {
        name: "grayscale",
        docs: "The image's luminance, one channel, rounded to the grid.",
        parameters: &[],
        runtime: "grayscale",
        origin: Origin::Computed,
        range: |_, space, shape| {
            let (height, width) = coloured(space, shape)?;
            range(vec![1, height, width])
        },
        spaces: &[Space::Image],
    },
    Function {
        name: "sketch",
        docs: "The image's edges (the magnitude of its gradient), one channel, rounded to the grid.",
        parameters: &[],
        runtime: "sketch",
        origin: Origin::Computed,
        range: |_, space, shape| {
            let (_, height, width) = image(space, shape)?;
            range(vec![1, height, width])
        },
        spaces: &[Space::Image],
    },
    Function {
        name: "fourier",
        docs: "Amplitudes (the left half, on a logarithmic scale) and phases (the right half) of each channel's lowest \
               frequencies, rounded to the grid.",
        parameters: &[Parameter::int("size", (2, 256), "height and width of the value, even").or(Literal::Int(8))],
        runtime: "fourier",
        origin: Origin::Computed,
        range: |args, space, shape| {
            let ((channels, height, width), size) = (image(space, shape)?, args.size("size"));
            if !size.is_multiple_of(2) {
                return Err(format!("keeps an even number of frequencies, not {size}"));
            }
            if size > height || size > width {
                return Err(format!("has no {size} frequencies in an image of {height} x {width}"));
            }
            range(vec![channels, size, size])
        },
        spaces: &[Space::Image],
    },
    Function {
        name: "label",
        docs: "The class of the input, as the data set says it.",
        parameters: &[],
        runtime: "label",
        origin: Origin::Data,
        range: |_, _, _| Ok(None),
        spaces: &[Space::Label],
    },
];

fn range(shape: Vec<usize>) -> Range {
    bounded(shape).map(|shape| Some((Space::Image, shape)))
}

fn image(space: Space, shape: &[usize]) -> Result<(usize, usize, usize), String> {
    match (space, shape) {
        (Space::Image, &[channels, height, width]) => Ok((channels, height, width)),
        _ => Err("needs an image".to_owned()),
    }
}

fn coloured(space: Space, shape: &[usize]) -> Result<(usize, usize), String> {
    match image(space, shape)? {
        (3, height, width) => Ok((height, width)),
        _ => Err("needs an image of three channels".to_owned()),
    }
}
