//! What the file says of the bound, of gradients and of what training maximises.

use super::{Argument, Number, Side, VariableId};
use crate::source::Span;

/// `bound KL_z = monte_carlo`.
#[derive(Debug, Clone)]
pub struct Estimate {
    pub variable: VariableId,
    pub estimator: Estimator,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    ClosedForm,
    MonteCarlo,
}

/// A number of the file with its value at the checked parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    pub number: Number,
    pub value: f64,
}

/// `weight KL_z = 0.5 * ramp(steps: 400) * free(nats: 0.25)`.
#[derive(Debug, Clone)]
pub struct Weight {
    /// `KL_z`
    pub term: String,
    pub scale: Quantity,
    pub ramp: Option<Ramp>,
    /// Nats below which the term's mean counts as they.
    pub free: Option<Quantity>,
    pub span: Span,
}

/// A weight that rises from 0 in a straight line.
#[derive(Debug, Clone, PartialEq)]
pub struct Ramp {
    pub unit: RampUnit,
    /// Where it ends.
    pub length: Quantity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RampUnit {
    /// Over the training data.
    Passes,
    /// Updates.
    Steps,
}

impl RampUnit {
    /// As the language writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Steps => "steps",
        }
    }
}

/// `objective + alpha * ln q(y | x) where y is observed`.
#[derive(Debug, Clone)]
pub struct Addend {
    pub side: Side,
    pub variable: VariableId,
    /// With its sign.
    pub scale: Quantity,
    /// The variable that must be there in a record for it to count.
    pub condition: Option<VariableId>,
    pub span: Span,
}

/// `draw y = relaxed(temperature: 0.5)`.
#[derive(Debug, Clone)]
pub struct Draw {
    pub variable: VariableId,
    pub method: DrawMethod,
    pub span: Span,
}

/// How a discrete draw of q is made in the bound, and how its gradient is estimated.
#[derive(Debug, Clone, PartialEq)]
pub enum DrawMethod {
    /// Not drawn: a sum over all values, each with its probability.
    Enumerate {
        /// How many values there are.
        values: usize,
    },
    /// Drawn from a continuous relaxation of the distribution, in training.
    Relaxed { temperature: Argument },
    /// A draw whose gradient is that of the mean (of pixels: of the unrounded value).
    StraightThrough,
    /// A draw whose gradient is that of its log-probability times how good it was.
    Score,
}

impl DrawMethod {
    /// As the language writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Enumerate { .. } => "enumerate",
            Self::Relaxed { .. } => "relaxed",
            Self::StraightThrough => "straight_through",
            Self::Score => "score",
        }
    }
}
