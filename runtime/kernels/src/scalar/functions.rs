//! Scalar functions that other operations of this crate use.

use super::{Number, Scalar};

/// x where x > 0, else exp(x) − 1.
pub struct Elu;

impl Scalar for Elu {
    const NAME: &'static str = "elu";

    #[inline(always)]
    fn value<N: Number>(x: N) -> N {
        let below = x.clone().exp_m1();
        x.clone().positive(x, below)
    }

    /// From the value alone: 1 if it is positive, as x is then, else value + 1.
    #[inline(always)]
    fn slope<N: Number>(_: N, value: N) -> N {
        let one = value.like(1.0);
        value.clone().positive(one.clone(), value + one)
    }
}

/// ln(1 + eˣ).
pub struct Softplus;

impl Scalar for Softplus {
    const NAME: &'static str = "softplus";

    #[inline(always)]
    fn value<N: Number>(x: N) -> N {
        let small = (-x.clone().abs()).exp().ln_1p();
        let zero = x.like(0.0);
        x.clone().positive(x, zero) + small
    }

    #[inline(always)]
    fn slope<N: Number>(x: N, _: N) -> N {
        x.sigmoid()
    }
}

/// 1 / (1 + e⁻ˣ).
pub struct Sigmoid;

impl Scalar for Sigmoid {
    const NAME: &'static str = "sigmoid";

    #[inline(always)]
    fn value<N: Number>(x: N) -> N {
        x.sigmoid()
    }

    #[inline(always)]
    fn slope<N: Number>(_: N, value: N) -> N {
        value.clone() * (value.like(1.0) - value)
    }
}
