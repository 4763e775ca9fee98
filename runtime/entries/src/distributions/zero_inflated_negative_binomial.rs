//! Negative binomial variables with extra zeros.

distribution! {
    /// Independent negative binomial variables with an additional probability of 0: `negative_binomial |>
    /// zero_inflated`. The head contains logarithms of means, then of dispersions, then logits of the extra zeros.
    discrete zero_inflated_negative_binomial: ZeroInflatedNegativeBinomial(ZeroInflatedNegativeBinomialConfig {}),
    over: [Count],
    natural: [
        log_mean: Real or mean: Positive by log,
        log_dispersion: Real or dispersion: Positive by log,
        logits: Real or probs: Unit by logit,
    ],
    closed_forms: [],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::blocks::sigmoid::sigmoid;
    use crate::distributions::negative_binomial::NegativeBinomial;
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, Through, density, through,
    };

    /// The negative binomial distribution, or 0 with probability sigmoid(logits), in every dimension.
    #[derive(Debug, Clone)]
    pub struct ZeroInflatedNegativeBinomial {
        /// Logarithms of means, then of dispersions, then logits, `[N, 3C, …]`.
        head: Head,
    }

    impl ZeroInflatedNegativeBinomial {
        /// From a network's output: logarithms of means, then of dispersions, clamped to [−15, 15], then logits of the
        /// extra zeros, concatenated in the first dimension after the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }

        fn inner(&self) -> Result<NegativeBinomial> {
            let channels = self.head.dim(1)? / 3;
            NegativeBinomial::from_head(self.head.first(2 * channels)?)
        }

        /// The probability that there is no extra zero.
        fn weight(&self) -> Result<Tensor> {
            sigmoid(&density::parameter::<Self, 4>(&self.head, 3)?.neg()?)
        }
    }

    impl Density<4> for ZeroInflatedNegativeBinomial {
        const NAME: &'static str = "zero_inflated_negative_binomial";
        const BOUNDS: [f64; 4] = [f64::INFINITY, LOG_BOUND, LOG_BOUND, f64::INFINITY];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_mean, log_dispersion, logits]: [S; 4]) -> S {
            let inner = <NegativeBinomial as Density<3>>::log_prob([x, log_mean, log_dispersion]);
            density::zero_inflated(x, logits, inner)
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_mean, log_dispersion, logits]: [S; 4]) -> [S; 4] {
            let inner = <NegativeBinomial as Density<3>>::log_prob([x, log_mean, log_dispersion]);
            let [of_x, of_mean, of_dispersion] = NegativeBinomial::slopes([x, log_mean, log_dispersion]);
            let [weight, of_logits] = density::zero_inflated_slopes(x, logits, inner);
            [weight * of_x, weight * of_mean, weight * of_dispersion, of_logits]
        }
    }

    impl Distribution for ZeroInflatedNegativeBinomial {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 4>(value, &self.head)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let weight = self.weight()?;
            let uniform = noise.uniform(name, weight.dims(), weight.dtype(), weight.device())?;
            self.inner()?.sample(name, noise, draw)? * uniform.lt(&weight)?.to_dtype(weight.dtype())?
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            through::count(&self.sample(name, noise, &Draw::default())?, &self.mean()?, how)
        }

        /// The mode of the negative binomial, or 0 if the probability of an extra zero is at least one half.
        fn mode(&self) -> Result<Tensor> {
            let weight = self.weight()?;
            self.inner()?.mode()? * weight.gt(0.5)?.to_dtype(weight.dtype())?
        }

        fn mean(&self) -> Result<Tensor> {
            self.inner()?.mean()? * self.weight()?
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }
}
