//! The rectified linear unit.

scalar! {
    /// max(t, 0), element by element.
    relu: Relu
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Number, Scalar};

    pub struct Relu;

    impl Scalar for Relu {
        const NAME: &'static str = "relu";

        #[inline(always)]
        fn value<N: Number>(x: N) -> N {
            let zero = x.like(0.0);
            // NaN is neither, and remains.
            (-x.clone()).positive(zero, x)
        }

        #[inline(always)]
        fn slope<N: Number>(x: N, _: N) -> N {
            let (one, zero) = (x.like(1.0), x.like(0.0));
            x.positive(one, zero)
        }
    }
}
