//! Statements of the file about the bound, gradients and the training objective.

use super::{Argument, NetId, Number, Side, VariableId};
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
    /// Free nats: if the term's mean is below this number, it is replaced by it.
    pub free: Option<Quantity>,
    pub span: Span,
}

/// A weight that rises linearly from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Ramp {
    pub unit: RampUnit,
    /// The length of the ramp.
    pub length: Quantity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RampUnit {
    /// Passes over the training data (epochs).
    Passes,
    /// Updates of the parameters.
    Steps,
}

impl RampUnit {
    /// The name in the language.
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
    /// The coefficient, with its sign.
    pub scale: Quantity,
    /// The variable that must be observed in a record for the term to count.
    pub condition: Option<VariableId>,
    pub span: Span,
}

/// `draw y = relaxed(temperature: 0.5)`.
#[derive(Debug, Clone)]
pub struct Draw {
    pub variable: VariableId,
    pub method: DrawMethod,
    /// The value that is the learned baseline: `score(baseline: b)`.
    pub baseline: Option<NetId>,
    pub span: Span,
}

/// How the bound evaluates a discrete draw of q, and how its gradient is estimated.
#[derive(Debug, Clone, PartialEq)]
pub enum DrawMethod {
    /// No draw: an exact sum over all values, weighted with their probabilities.
    Enumerate {
        /// The number of values.
        values: usize,
    },
    /// Drawn from a continuous relaxation of the distribution, in training.
    Relaxed { temperature: Argument },
    /// A discrete draw with the gradient of its mean (for pixels, of the unrounded value).
    StraightThrough,
    /// The score-function gradient: the gradient of the log-probability times the gain.
    Score,
}

impl DrawMethod {
    /// The name in the language.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Enumerate { .. } => "enumerate",
            Self::Relaxed { .. } => "relaxed",
            Self::StraightThrough => "straight_through",
            Self::Score => "score",
        }
    }
}
