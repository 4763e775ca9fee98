//! Numbers that are the text of an expression in CUDA C.

use super::Number;
use std::ops::{Add, Mul, Neg, Sub};

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
