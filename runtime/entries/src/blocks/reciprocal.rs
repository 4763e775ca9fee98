//! Reciprocals.

scalar! {
    /// 1 / t, element by element: the block behind `1 / t`.
    reciprocal: Reciprocal
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Number, Scalar};

    pub struct Reciprocal;

    impl Scalar for Reciprocal {
        const NAME: &'static str = "reciprocal";

        #[inline(always)]
        fn value<N: Number>(x: N) -> N {
            x.recip()
        }

        #[inline(always)]
        fn slope<N: Number>(_: N, value: N) -> N {
            -(value.clone() * value)
        }
    }
}
