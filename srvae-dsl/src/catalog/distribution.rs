//! The table of distributions.

use super::{Args, LARGEST_SIZE, Literal, Parameter, show_shape};
use crate::graph::Space;

/// A distribution over the values of one variable.
#[derive(Debug, Clone, Copy)]
pub struct Distribution {
    pub name: &'static str,
    pub docs: &'static str,
    pub parameters: &'static [Parameter],
    /// The type that generated code names.
    pub runtime: &'static str,
    pub feed: Feed,
    /// The spaces it can produce.
    pub spaces: &'static [Space],
    /// A diagonal normal: KL between two of these, without flows, has a closed form.
    pub normal: bool,
    /// Samples are differentiable functions of their parameters, and bijectors may stand over it.
    pub continuous: bool,
    /// Parameters it holds itself, for a variable of this shape.
    pub count: fn(&Args<'_>, &[usize]) -> u64,
}

/// Where a distribution's natural parameters come from.
#[derive(Debug, Clone, Copy)]
pub enum Feed {
    /// It stands at a root and has none, or holds them itself.
    Root,
    /// From a network's output (the head), of this shape for a variable of the given shape.
    Head(fn(&Args<'_>, &[usize]) -> Result<Vec<usize>, String>),
}

impl Distribution {
    /// The shape of the head for a variable of this shape; none at a root.
    ///
    /// # Errors
    /// A shape the distribution does not reach; the message says why.
    pub fn head(&self, args: &Args<'_>, shape: &[usize]) -> Result<Option<Vec<usize>>, String> {
        match self.feed {
            Feed::Root => Ok(None),
            Feed::Head(head) => {
                let head = head(args, shape)?;
                match head.iter().find(|&&size| size > LARGEST_SIZE) {
                    Some(size) => Err(format!("would need a size of {size}; the largest is {LARGEST_SIZE}")),
                    None => Ok(Some(head)),
                }
            }
        }
    }

    /// Whether a network must stand behind it.
    pub fn needs_network(&self) -> bool {
        matches!(self.feed, Feed::Head(_))
    }
}

const COMPONENTS: Parameter = Parameter::int("components", (1, 1000), "components of the mixture").or(Literal::Int(10));

/// All distributions.
pub static DISTRIBUTIONS: [Distribution; 6] = [
    Distribution {
        name: "normal",
        docs: "A diagonal normal; the head holds means, then log-variances, clamped to [−7, 7].",
        parameters: &[],
        runtime: "Normal",
        feed: Feed::Head(|_, shape| Ok(with_channels(shape, |channels| channels.saturating_mul(2)))),
        spaces: &[Space::Real],
        normal: true,
        continuous: true,
        count: nothing,
    },
    Distribution {
        name: "standard_normal",
        docs: "Independent normals of mean 0 and variance 1.",
        parameters: &[],
        runtime: "StandardNormal",
        feed: Feed::Root,
        spaces: &[Space::Real],
        normal: true,
        continuous: true,
        count: nothing,
    },
    Distribution {
        name: "logistic_mixture",
        docs: "A mixture of logistics, discretised to the grid k/255; of three channels each depends on those before it. \
               The head holds 10 values for each component and pixel of three channels, 3 of one channel.",
        parameters: &[COMPONENTS],
        runtime: "LogisticMixture",
        feed: Feed::Head(logistic_mixture_head),
        spaces: &[Space::Image],
        normal: false,
        continuous: false,
        count: nothing,
    },
    Distribution {
        name: "bernoulli",
        docs: "Independent zeros and ones; the head holds logits.",
        parameters: &[],
        runtime: "Bernoulli",
        feed: Feed::Head(|_, shape| Ok(shape.to_vec())),
        spaces: &[Space::Binary],
        normal: false,
        continuous: false,
        count: nothing,
    },
    Distribution {
        name: "categorical",
        docs: "One of n classes; the head holds logits.",
        parameters: &[],
        runtime: "Categorical",
        feed: Feed::Head(|_, shape| Ok(shape.to_vec())),
        spaces: &[Space::Label],
        normal: false,
        continuous: false,
        count: nothing,
    },
    Distribution {
        name: "mixture_of_normals",
        docs: "Diagonal normals of equal weight with learned means and variances.",
        parameters: &[COMPONENTS],
        runtime: "MixtureOfNormals",
        feed: Feed::Root,
        spaces: &[Space::Real],
        normal: false,
        continuous: true,
        count: |args, shape| {
            let elements = shape.iter().fold(1u64, |total, &size| total.saturating_mul(size as u64));
            elements.saturating_mul(2).saturating_mul(args.size("components") as u64)
        },
    },
];

fn nothing(_: &Args<'_>, _: &[usize]) -> u64 {
    0
}

fn with_channels(shape: &[usize], channels: impl Fn(usize) -> usize) -> Vec<usize> {
    let mut head = shape.to_vec();
    if let Some(first) = head.first_mut() {
        *first = channels(*first);
    }
    head
}

fn logistic_mixture_head(args: &Args<'_>, shape: &[usize]) -> Result<Vec<usize>, String> {
    let values = match shape.first() {
        Some(1) => 3,
        Some(3) => 10,
        _ => return Err(format!("needs an image of one or three channels, not of shape {}", show_shape(shape))),
    };
    Ok(with_channels(shape, |_| args.size("components").saturating_mul(values)))
}
