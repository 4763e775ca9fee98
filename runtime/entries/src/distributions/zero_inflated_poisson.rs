//! Poisson variables with extra zeros.

distribution! {
    /// Independent Poisson variables with an additional probability of 0: `poisson |> zero_inflated`. The head contains
    /// logarithms of rates, then logits of the extra zeros.
    discrete zero_inflated_poisson: ZeroInflatedPoisson(ZeroInflatedPoissonConfig {}),
    over: [Count],
    natural: [log_rate: Real or rate: Positive by log, logits: Real or probs: Unit by logit],
    closed_forms: [],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::blocks::sigmoid::sigmoid;
    use crate::distributions::poisson::Poisson;
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, Through, density, through,
    };

    /// Poisson(exp(log_rate)), or 0 with probability sigmoid(logits), in every dimension.
    #[derive(Debug, Clone)]
    pub struct ZeroInflatedPoisson {
        /// Logarithms of rates, then logits, `[N, 2C, …]`.
        head: Head,
    }

    impl ZeroInflatedPoisson {
        /// From a network's output: logarithms of rates, clamped to [−15, 15], then logits of the extra zeros,
        /// concatenated in the first dimension after the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }

        fn inner(&self) -> Result<Poisson> {
            Poisson::from_head(self.head.first(self.head.dim(1)? / 2)?)
        }

        /// The probability that there is no extra zero.
        fn weight(&self) -> Result<Tensor> {
            sigmoid(&density::parameter::<Self, 3>(&self.head, 2)?.neg()?)
        }
    }

    impl Density<3> for ZeroInflatedPoisson {
        const NAME: &'static str = "zero_inflated_poisson";
        const BOUNDS: [f64; 3] = [f64::INFINITY, LOG_BOUND, f64::INFINITY];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_rate, logits]: [S; 3]) -> S {
            density::zero_inflated(x, logits, <Poisson as Density<2>>::log_prob([x, log_rate]))
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_rate, logits]: [S; 3]) -> [S; 3] {
            let [of_x, of_rate] = Poisson::slopes([x, log_rate]);
            let inner = <Poisson as Density<2>>::log_prob([x, log_rate]);
            let [weight, of_logits] = density::zero_inflated_slopes(x, logits, inner);
            [weight * of_x, weight * of_rate, of_logits]
        }
    }

    impl Distribution for ZeroInflatedPoisson {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 3>(value, &self.head)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let weight = self.weight()?;
            let uniform = noise.uniform(name, weight.dims(), weight.dtype(), weight.device())?;
            self.inner()?.sample(name, noise, draw)? * uniform.lt(&weight)?.to_dtype(weight.dtype())?
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            through::count(&self.sample(name, noise, &Draw::default())?, &self.mean()?, how)
        }

        /// The mode of the Poisson variable, or 0 if the probability of an extra zero is at least one half.
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
