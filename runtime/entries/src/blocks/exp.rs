//! The exponential.

scalar! {
    /// exp(t), element by element.
    exp: Exp
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Number, Scalar};

    pub struct Exp;

    impl Scalar for Exp {
        const NAME: &'static str = "exp";

        #[inline(always)]
        fn value<N: Number>(x: N) -> N {
            x.exp()
        }

        #[inline(always)]
        fn slope<N: Number>(_: N, value: N) -> N {
            value
        }
    }
}
