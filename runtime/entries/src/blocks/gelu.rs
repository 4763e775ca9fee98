//! The Gaussian error linear unit (Hendrycks and Gimpel 2016).

scalar! {
    /// t · Φ(t) in the tanh approximation, t · sigmoid(2 √(2/π) (t + 0.044715 t³)), element by element.
    gelu: Gelu
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Number, Scalar};

    /// 2 √(2/π).
    const SLOPE: f64 = 1.595_769_121_605_730_8;
    const CUBIC: f64 = 0.044_715 * SLOPE;

    pub struct Gelu;

    impl Scalar for Gelu {
        const NAME: &'static str = "gelu";

        #[inline(always)]
        fn value<N: Number>(x: N) -> N {
            let square = x.clone() * x.clone();
            let inner = square.fused(x.like(CUBIC), x.like(SLOPE)) * x.clone();
            x * inner.sigmoid()
        }

        /// s + v (1 − s) times the derivative of the argument of the sigmoid s.
        #[inline(always)]
        fn slope<N: Number>(x: N, value: N) -> N {
            let (one, square) = (x.like(1.0), x.clone() * x.clone());
            let sigmoid = (square.clone().fused(x.like(CUBIC), x.like(SLOPE)) * x.clone()).sigmoid();
            let inner = square.fused(x.like(3.0 * CUBIC), x.like(SLOPE));
            (value * (one - sigmoid.clone())).fused(inner, sigmoid)
        }
    }
}
