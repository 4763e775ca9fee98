//! What scalar functions are written over: a number of the CPU's vector code, an f64, a whole tensor ([`super::Whole`]), or the text
//! of an expression in CUDA C ([`super::Text`]).

use crate::vector;
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
