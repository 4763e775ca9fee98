//! The exponential.

scalar! {
    /// exp(t), element by element, with t clamped to [−80, 80]: positive and finite everywhere.
    exp: Exp
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Number, Scalar};

    /// In single precision, exp(88) is infinite and exp(−88) is almost 0.
    const MOST: f64 = 80.0;

    pub struct Exp;

    impl Scalar for Exp {
        const NAME: &'static str = "exp";

        #[inline(always)]
        fn value<N: Number>(x: N) -> N {
            let (least, most) = (x.like(-MOST), x.like(MOST));
            let below = (x.clone() - most.clone()).positive(most, x);
            (least.clone() - below.clone()).positive(least, below).exp()
        }

        #[inline(always)]
        fn slope<N: Number>(x: N, value: N) -> N {
            let (most, none) = (x.like(MOST), x.like(0.0));
            let below = (x.clone() - most.clone()).positive(none.clone(), value);
            (x.like(-MOST) - x).positive(none, below)
        }
    }
}
