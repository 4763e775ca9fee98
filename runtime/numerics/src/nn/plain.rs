//! Affine maps without weight normalisation.

use crate::{Params, Result, Tensor, ops};
use candle_core::Var;

/// x Wᵀ + b for vectors, `[N, from]` to `[N, to]`.
#[derive(Debug, Clone)]
pub struct Plain {
    weight: Var,
    bias: Var,
    params: Params,
}

impl Plain {
    /// Weights are drawn with this standard deviation. Parameters: `weight`, `[to, from]`, and `bias`.
    ///
    /// # Errors
    /// Names that are taken.
    pub fn new(params: &Params, from: usize, to: usize, deviation: f64) -> Result<Self> {
        Ok(Self {
            weight: params.normal("weight", &[to, from], 0.0, deviation)?,
            bias: params.constant("bias", &[to], 0.0)?,
            params: params.clone(),
        })
    }

    /// # Errors
    /// An input that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = self.values();
        ops::affine(x, &weight, &bias)
    }

    /// Weight and bias for the current phase: tracked in training, detached otherwise.
    pub fn values(&self) -> (Tensor, Tensor) {
        (self.params.value(&self.weight), self.params.value(&self.bias))
    }
}
