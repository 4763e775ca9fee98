//! The logarithm of 1 + t.

scalar! {
    /// ln(1 + t), element by element, for values from 0, such as counts; negative values are clamped to 0.
    log1p: Log1p
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Number, Scalar};

    pub struct Log1p;

    impl Scalar for Log1p {
        const NAME: &'static str = "log1p";

        #[inline(always)]
        fn value<N: Number>(x: N) -> N {
            let zero = x.like(0.0);
            (-x.clone()).positive(zero, x).ln_1p()
        }

        #[inline(always)]
        fn slope<N: Number>(x: N, _: N) -> N {
            let (zero, one) = (x.like(0.0), x.like(1.0));
            (-x.clone()).positive(zero, (x + one).recip())
        }
    }
}
