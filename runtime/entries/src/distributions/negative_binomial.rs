//! Negative binomial variables.

distribution! {
    /// Independent negative binomial variables: Poisson variables whose rates are gamma variables. The head contains
    /// logarithms of means μ, then of dispersions θ. The variance is μ + μ² / θ.
    discrete negative_binomial: NegativeBinomial(NegativeBinomialConfig {}),
    over: [Count],
    natural: [log_mean: Real or mean: Positive by log, log_dispersion: Real or dispersion: Positive by log],
    closed_forms: [],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, Through, density, ops, through,
    };

    /// The negative binomial distribution of mean exp(log_mean) and dispersion exp(log_dispersion) in every dimension.
    #[derive(Debug, Clone)]
    pub struct NegativeBinomial {
        /// Logarithms of means, then of dispersions, `[N, 2C, …]`.
        head: Head,
    }

    impl NegativeBinomial {
        /// From a network's output: logarithms of means, then of dispersions, clamped to [−15, 15], concatenated in the first
        /// dimension after the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }

        fn log_mean(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 1)
        }

        fn log_dispersion(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 2)
        }
    }

    impl Density<3> for NegativeBinomial {
        const NAME: &'static str = "negative_binomial";
        const BOUNDS: [f64; 3] = [f64::INFINITY, LOG_BOUND, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_mean, log_dispersion]: [S; 3]) -> S {
            let (dispersion, ratio) = (log_dispersion.exp(), log_mean - log_dispersion);
            let ways = S::lgammas([x + dispersion], [dispersion, x + S::of(1.0)]);
            ways + x * ratio - (x + dispersion) * ratio.softplus()
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_mean, log_dispersion]: [S; 3]) -> [S; 3] {
            let (dispersion, ratio) = (log_dispersion.exp(), log_mean - log_dispersion);
            let (total, softplus) = (x + dispersion, ratio.softplus());
            let for_mean = x - total * ratio.sigmoid();
            let digamma = total.digamma();
            [
                digamma - (x + S::of(1.0)).digamma() + ratio - softplus,
                for_mean,
                dispersion * (digamma - dispersion.digamma() - softplus) - for_mean,
            ]
        }
    }

    impl Distribution for NegativeBinomial {
        /// ln Γ(x + θ) − ln Γ(θ) − ln x! + θ ln (θ / (θ + μ)) + x ln (μ / (θ + μ)), summed.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 3>(value, &self.head)
        }

        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            let (mean, dispersion) = (self.log_mean()?.detach(), self.log_dispersion()?.detach());
            let mut normal = || noise.normal(name, mean.dims(), mean.dtype(), mean.device());
            let rate = ((ops::log_gamma_draw(&dispersion, &normal()?)? - &dispersion)? + &mean)?;
            ops::poisson_draw(&rate, &normal()?)
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            through::count(&self.sample(name, noise, &Draw::default())?, &self.mean()?, how)
        }

        /// The integer part of μ (1 − 1/θ), or 0 if θ is below 1.
        fn mode(&self) -> Result<Tensor> {
            let less = (1.0 - self.log_dispersion()?.neg()?.exp()?)?;
            (self.mean()? * less.maximum(0.0)?)?.floor()
        }

        /// μ, which need not be an integer.
        fn mean(&self) -> Result<Tensor> {
            self.log_mean()?.exp()
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }
}
