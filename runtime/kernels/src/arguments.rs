//! Arguments of operations, which all of their implementations read.

use crate::Tensor;

/// The hyperparameters of an Adamax step.
#[derive(Debug, Clone, Copy)]
pub struct Adamax {
    /// Decay of the running mean and of the running maximum.
    pub betas: (f64, f64),
    /// Added to the gradient's magnitude, so that the maximum is never 0.
    pub epsilon: f64,
    /// Learning rate, with the bias correction of the running mean.
    pub rate: f64,
}

/// Effective weights of channel attention: C → C/8 → C.
#[derive(Debug, Clone)]
pub struct Attention {
    pub squeeze: Tensor,
    pub squeeze_bias: Tensor,
    pub excite: Tensor,
    pub excite_bias: Tensor,
}

/// Effective weights of one step of a dense layer: 1x1 to 4·growth, then 3x3 to growth, without a nonlinearity between them.
#[derive(Debug, Clone)]
pub struct DenseStep {
    pub squeeze: Tensor,
    pub squeeze_bias: Tensor,
    pub grow: Tensor,
    pub grow_bias: Tensor,
}

/// The part of its input that a coupling changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// Every other pixel; with `reversed` the others.
    Checkerboard { reversed: bool },
    /// The first half of the channels; with `reversed` the second.
    Channel { reversed: bool },
}
