//! The hyperbolic tangent.

scalar! {
    /// tanh(t), element by element: between −1 and 1.
    tanh: Tanh
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Number, Scalar};

    pub struct Tanh;

    impl Scalar for Tanh {
        const NAME: &'static str = "tanh";

        #[inline(always)]
        fn value<N: Number>(x: N) -> N {
            x.tanh()
        }

        #[inline(always)]
        fn slope<N: Number>(_: N, value: N) -> N {
            value.like(1.0) - value.clone() * value
        }
    }
}
