//! Logistic variables.

distribution! {
    /// Independent logistic variables. The head contains means, then log-scales.
    continuous logistic: Logistic(LogisticConfig {}),
    over: [Real],
    natural: [mean: Real, log_scale: Real or scale: Positive by log],
    closed_forms: [],
    distance: 1,
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, density, inside,
    };

    /// Logistic(mean, exp(log_scale)) in every dimension.
    #[derive(Debug, Clone)]
    pub struct Logistic {
        /// Means, then log-scales, `[N, 2C, …]`.
        head: Head,
    }

    impl Logistic {
        /// From a network's output: means, then log-scales, clamped to [−15, 15], concatenated in the first dimension after the
        /// batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }
    }

    impl Density<3> for Logistic {
        const NAME: &'static str = "logistic";
        const BOUNDS: [f64; 3] = [f64::INFINITY, f64::INFINITY, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>([x, mean, log_scale]: [S; 3]) -> S {
            let t = (x - mean) * (-log_scale).exp();
            -t - log_scale - S::of(2.0) * (-t).softplus()
        }

        #[inline(always)]
        fn slopes<S: Special>([x, mean, log_scale]: [S; 3]) -> [S; 3] {
            let (one, precision) = (S::of(1.0), (-log_scale).exp());
            let t = (x - mean) * precision;
            let slope = S::of(2.0) * (-t).sigmoid() - one;
            [slope * precision, -slope * precision, -slope * t - one]
        }
    }

    impl Distribution for Logistic {
        /// −t − ln s − 2 ln(1 + e^−t), t = (x − μ) / s, summed.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 3>(value, &self.head)
        }

        /// μ + s ln(u / (1 − u)), u uniform.
        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let mean = self.mode()?;
            let uniform = inside(&noise.uniform(name, mean.dims(), mean.dtype(), mean.device())?)?;
            let unit = ((uniform.log()? - uniform.affine(-1.0, 1.0)?.log()?)? * draw.temperature)?;
            mean + (unit * density::parameter::<Self, 3>(&self.head, 2)?.exp()?)?
        }

        fn mode(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 1)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }
}
