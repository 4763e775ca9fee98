//! The numbers over which scalar functions are written: a number of the CPU's vector code, an f64, a whole tensor, or
//! an expression in CUDA C.

use crate::vector;
use crate::{Result, Tensor};
use candle_core::DType;
use std::ops::{Add, Mul, Neg, Sub};

/// A number or a symbolic number.
pub trait Number:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self> + Sized
{
    /// A constant of the same kind as `self`.
    fn like(&self, value: f64) -> Self;
    fn exp(self) -> Self;
    fn exp_m1(self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    fn tanh(self) -> Self;
    fn abs(self) -> Self;
    /// 1 / self.
    fn recip(self) -> Self;
    fn sigmoid(self) -> Self;
    /// self · a + b.
    fn fused(self, a: Self, b: Self) -> Self;
    /// `then` if self > 0, else `otherwise`. Both are computed.
    fn positive(self, then: Self, otherwise: Self) -> Self;
}

/// An f32 in a loop of [`vector`]. Every operation is inlined, so the loop becomes vector code.
#[derive(Clone, Copy)]
pub struct Lane<const FUSED: bool>(pub f32);

macro_rules! lane_operator {
    ($trait:ident $function:ident $operator:tt) => {
        impl<const FUSED: bool> $trait for Lane<FUSED> {
            type Output = Self;

            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                Self(self.0 $operator other.0)
            }
        }
    };
}

lane_operator!(Add add +);
lane_operator!(Sub sub -);
lane_operator!(Mul mul *);

impl<const FUSED: bool> Neg for Lane<FUSED> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl<const FUSED: bool> Number for Lane<FUSED> {
    #[inline(always)]
    fn like(&self, value: f64) -> Self {
        Self(value as f32)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        Self(vector::exp::<FUSED>(self.0))
    }

    #[inline(always)]
    fn exp_m1(self) -> Self {
        Self(vector::exp_m1::<FUSED>(self.0))
    }

    #[inline(always)]
    fn ln(self) -> Self {
        Self(vector::ln::<FUSED>(self.0))
    }

    #[inline(always)]
    fn ln_1p(self) -> Self {
        Self(vector::ln_1p::<FUSED>(self.0))
    }

    #[inline(always)]
    fn tanh(self) -> Self {
        Self(vector::tanh::<FUSED>(self.0))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs())
    }

    #[inline(always)]
    fn recip(self) -> Self {
        Self(1.0 / self.0)
    }

    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self(vector::sigmoid::<FUSED>(self.0))
    }

    #[inline(always)]
    fn fused(self, a: Self, b: Self) -> Self {
        Self(vector::fused::<FUSED>(self.0, a.0, b.0))
    }

    #[inline(always)]
    fn positive(self, then: Self, otherwise: Self) -> Self {
        if self.0 > 0.0 { then } else { otherwise }
    }
}

impl Number for f64 {
    fn like(&self, value: f64) -> Self {
        value
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn exp_m1(self) -> Self {
        self.exp_m1()
    }

    fn ln(self) -> Self {
        self.ln()
    }

    fn ln_1p(self) -> Self {
        self.ln_1p()
    }

    fn tanh(self) -> Self {
        self.tanh()
    }

    fn abs(self) -> Self {
        self.abs()
    }

    fn recip(self) -> Self {
        1.0 / self
    }

    fn sigmoid(self) -> Self {
        1.0 / (1.0 + (-self).exp())
    }

    fn fused(self, a: Self, b: Self) -> Self {
        self * a + b
    }

    fn positive(self, then: Self, otherwise: Self) -> Self {
        if self > 0.0 { then } else { otherwise }
    }
}

/// An expression in CUDA C, over floats.
#[derive(Clone)]
pub struct Text(pub String);

impl Text {
    fn call(self, function: &str) -> Self {
        Self(format!("{function}({})", self.0))
    }

    fn binary(self, operator: char, other: &Self) -> Self {
        Self(format!("({} {operator} {})", self.0, other.0))
    }
}

impl Add for Text {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.binary('+', &other)
    }
}

impl Sub for Text {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.binary('-', &other)
    }
}

impl Mul for Text {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.binary('*', &other)
    }
}

impl Neg for Text {
    type Output = Self;

    fn neg(self) -> Self {
        Self(format!("(-{})", self.0))
    }
}

impl Number for Text {
    fn like(&self, value: f64) -> Self {
        Self(format!("{:?}f", value as f32))
    }

    fn exp(self) -> Self {
        self.call("expf")
    }

    fn exp_m1(self) -> Self {
        self.call("expm1f")
    }

    fn ln(self) -> Self {
        self.call("logf")
    }

    fn ln_1p(self) -> Self {
        self.call("log1pf")
    }

    fn tanh(self) -> Self {
        self.call("tanhf")
    }

    fn abs(self) -> Self {
        self.call("fabsf")
    }

    fn recip(self) -> Self {
        Self(format!("(1.0f / {})", self.0))
    }

    fn sigmoid(self) -> Self {
        self.call("sigmoid")
    }

    fn fused(self, a: Self, b: Self) -> Self {
        self * a + b
    }

    fn positive(self, then: Self, otherwise: Self) -> Self {
        Self(format!("({} > 0.0f ? {} : {})", self.0, then.0, otherwise.0))
    }
}

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
