//! The sigmoid linear unit.

scalar! {
    /// t · sigmoid(t), element by element.
    silu: Silu
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Number, Scalar};

    pub struct Silu;

    impl Scalar for Silu {
        const NAME: &'static str = "silu";

        #[inline(always)]
        fn value<N: Number>(x: N) -> N {
            x.clone() * x.sigmoid()
        }

        /// s + v (1 − s), s the sigmoid.
        #[inline(always)]
        fn slope<N: Number>(x: N, value: N) -> N {
            let (one, sigmoid) = (x.like(1.0), x.sigmoid());
            value.fused(one - sigmoid.clone(), sigmoid)
        }
    }
}
