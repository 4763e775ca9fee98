//! What the formulas of densities are written over: a number in double precision of a loop that becomes vector code.

use super::lane;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number with the functions that densities need; all are `#[inline(always)]`, or a loop over them is no vector code.
pub trait Special:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    fn of(value: f64) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    /// ψ, the derivative of ln Γ.
    fn digamma(self) -> Self;
    /// ψ', its second derivative.
    fn trigamma(self) -> Self;
    /// Σ ln Γ of the first less Σ ln Γ of the second, with one logarithm for what shifts all of them.
    fn lgammas<const A: usize, const B: usize>(plus: [Self; A], minus: [Self; B]) -> Self;
    /// ln Φ, Φ the standard normal distribution function.
    fn log_normal_cdf(self) -> Self;
    /// `then` where self > 0, else `otherwise`; both are computed.
    fn positive(self, then: Self, otherwise: Self) -> Self;

    #[inline(always)]
    fn lgamma(self) -> Self {
        Self::lgammas([self], [])
    }

    /// ln(1 + eˣ).
    #[inline(always)]
    fn softplus(self) -> Self {
        let far = self.positive(-self, self).exp().ln_1p();
        self.positive(self, Self::of(0.0)) + far
    }

    /// 1 / (1 + e⁻ˣ).
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let far = self.positive(-self, self).exp();
        self.positive(Self::of(1.0), far) / (far + Self::of(1.0))
    }
}

/// A number of a loop that [`crate::vector::run`] compiles for the best instruction set.
#[derive(Debug, Clone, Copy)]
pub struct Wide<const FUSED: bool>(pub f64);

macro_rules! operator {
    ($trait:ident $function:ident $operator:tt) => {
        impl<const FUSED: bool> $trait for Wide<FUSED> {
            type Output = Self;

            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                Self(self.0 $operator other.0)
            }
        }
    };
}

operator!(Add add +);
operator!(Sub sub -);
operator!(Mul mul *);
operator!(Div div /);

impl<const FUSED: bool> Neg for Wide<FUSED> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl<const FUSED: bool> Special for Wide<FUSED> {
    #[inline(always)]
    fn of(value: f64) -> Self {
        Self(value)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        Self(lane::exp::<FUSED>(self.0))
    }

    #[inline(always)]
    fn ln(self) -> Self {
        Self(lane::ln::<FUSED>(self.0))
    }

    #[inline(always)]
    fn ln_1p(self) -> Self {
        Self(lane::ln_1p::<FUSED>(self.0))
    }

    #[inline(always)]
    fn digamma(self) -> Self {
        Self(lane::digamma::<FUSED>(self.0))
    }

    #[inline(always)]
    fn trigamma(self) -> Self {
        Self(lane::trigamma::<FUSED>(self.0))
    }

    #[inline(always)]
    fn lgammas<const A: usize, const B: usize>(plus: [Self; A], minus: [Self; B]) -> Self {
        let (mut sum, mut above, mut below) = (0.0, 1.0, 1.0);
        for x in plus {
            let (part, shift) = lane::lgamma_parts::<FUSED>(x.0);
            (sum, below) = (sum + part, below * shift);
        }
        for x in minus {
            let (part, shift) = lane::lgamma_parts::<FUSED>(x.0);
            (sum, above) = (sum - part, above * shift);
        }
        Self(sum + lane::ln::<FUSED>(above / below))
    }

    #[inline(always)]
    fn log_normal_cdf(self) -> Self {
        Self(super::incomplete::log_normal_cdf(self.0))
    }

    #[inline(always)]
    fn positive(self, then: Self, otherwise: Self) -> Self {
        Self(if self.0 > 0.0 { then.0 } else { otherwise.0 })
    }
}
