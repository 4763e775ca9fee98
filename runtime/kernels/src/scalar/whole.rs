//! Numbers that are whole tensors, computed by candle's operations.

use super::Number;
use crate::{Result, Tensor};
use candle_core::DType;
use std::ops::{Add, Mul, Neg, Sub};

/// A whole tensor, with candle's operations, or the first error.
#[derive(Clone)]
pub struct Whole(pub std::result::Result<Tensor, String>);

impl Whole {
    pub fn of(tensor: &Tensor) -> Self {
        Self(Ok(tensor.clone()))
    }

    fn map(self, function: impl FnOnce(&Tensor) -> Result<Tensor>) -> Self {
        Self(self.0.and_then(|tensor| function(&tensor).map_err(|error| error.to_string())))
    }

    fn zip(self, other: Self, function: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor>) -> Self {
        match other.0 {
            Ok(other) => self.map(|tensor| function(tensor, &other)),
            Err(error) => Self(self.0.and(Err(error))),
        }
    }
}

impl Add for Whole {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Whole {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for Whole {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl Neg for Whole {
    type Output = Self;

    fn neg(self) -> Self {
        self.map(Tensor::neg)
    }
}

impl Number for Whole {
    fn like(&self, value: f64) -> Self {
        self.clone().map(|tensor| tensor.ones_like()? * value)
    }

    fn exp(self) -> Self {
        self.map(Tensor::exp)
    }

    /// Not accurate near 0. Results that would be infinite are clamped to the largest finite exponential of the type,
    /// so that no gradient becomes 0 · ∞ in a branch that is computed but not selected.
    fn exp_m1(self) -> Self {
        self.map(|tensor| {
            let most = if tensor.dtype() == DType::F64 { 709.0 } else { 88.0 };
            tensor.minimum(most)?.exp()? - 1.0
        })
    }

    fn ln(self) -> Self {
        self.map(Tensor::log)
    }

    fn ln_1p(self) -> Self {
        self.map(|tensor| (tensor + 1.0)?.log())
    }

    fn tanh(self) -> Self {
        self.map(Tensor::tanh)
    }

    /// Uses the same case at 0 as `positive`, so that functions of both have a consistent derivative there.
    fn abs(self) -> Self {
        self.clone().positive(self.clone(), -self)
    }

    fn recip(self) -> Self {
        self.map(Tensor::recip)
    }

    /// Uses no exponential of a positive number, so neither the value nor its gradient overflows.
    fn sigmoid(self) -> Self {
        let (small, one) = ((-self.clone().abs()).exp(), self.like(1.0));
        self.positive(one.clone(), small.clone()) * (small + one).recip()
    }

    fn fused(self, a: Self, b: Self) -> Self {
        self * a + b
    }

    fn positive(self, then: Self, otherwise: Self) -> Self {
        let chosen = then.zip(otherwise, |then, otherwise| Tensor::stack(&[then, otherwise], 0));
        self.zip(chosen, |tensor, chosen| tensor.gt(0.0)?.where_cond(&chosen.get(0)?, &chosen.get(1)?))
    }
}
