//! The logarithm.

scalar! {
    /// ln(t), element by element, for positive values; smaller values are clamped to 1e-30.
    log: Log
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Number, Scalar};

    const LEAST: f64 = 1e-30;

    pub struct Log;

    impl Scalar for Log {
        const NAME: &'static str = "log";

        #[inline(always)]
        fn value<N: Number>(x: N) -> N {
            let least = x.like(LEAST);
            (least.clone() - x.clone()).positive(least, x).ln()
        }

        #[inline(always)]
        fn slope<N: Number>(x: N, _: N) -> N {
            let (least, none) = (x.like(LEAST), x.like(0.0));
            (least - x.clone()).positive(none, x.recip())
        }
    }
}
