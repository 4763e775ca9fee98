//! Exponential variables.

distribution! {
    /// Independent exponential variables. The head contains logarithms of rates.
    continuous exponential: Exponential(ExponentialConfig {}),
    over: [Positive],
    natural: [log_rate: Real or rate: Positive by log or scale: Positive by log_inverse],
    closed_forms: [exponential: exponential_kl, gamma: exponential_gamma_kl],
    closed_forms_of: [gamma: gamma_exponential_kl],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::distributions::gamma::{Gamma, gamma_kl};
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, density, inside,
    };

    /// Exponential(exp(log_rate)) in every dimension.
    #[derive(Debug, Clone)]
    pub struct Exponential {
        /// Logarithms of rates, `[N, …]`.
        head: Head,
    }

    impl Exponential {
        /// From a network's output of the variable's shape: logarithms of rates, clamped to [−15, 15].
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }

        fn log_rate(&self) -> Result<Tensor> {
            density::parameter::<Self, 2>(&self.head, 1)
        }

        /// The same as gamma variables, whose concentrations are 1.
        ///
        /// # Errors
        /// A failed tensor operation.
        pub fn as_gamma(&self) -> Result<Gamma> {
            let log_rate = self.log_rate()?;
            // What the model states may be beyond the bounds of a network.
            let given = u32::MAX;
            Gamma::from_head(Head::given(&Tensor::cat(&[&log_rate.zeros_like()?, &log_rate], 1)?, given))
        }
    }

    impl Density<2> for Exponential {
        const NAME: &'static str = "exponential";
        const BOUNDS: [f64; 2] = [f64::INFINITY, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_rate]: [S; 2]) -> S {
            log_rate - log_rate.exp() * x
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_rate]: [S; 2]) -> [S; 2] {
            let rate = log_rate.exp();
            [-rate, S::of(1.0) - rate * x]
        }
    }

    impl Distribution for Exponential {
        /// ln λ − λx, summed.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 2>(value, &self.head)
        }

        /// −ln(u) / λ, u uniform.
        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let uniform = noise.uniform(name, self.head.dims(), self.head.dtype(), self.head.device())?;
            (inside(&uniform)?.log()? * -draw.temperature)? * self.mean()?
        }

        /// The mean. The density is highest at 0, which is not a valid value.
        fn mode(&self) -> Result<Tensor> {
            self.log_rate()?.neg()?.exp()
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats: ln (λ_q / λ_p) + λ_p / λ_q − 1, summed.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn exponential_kl(q: &Exponential, p: &Exponential) -> Result<Tensor> {
        same_shape("the rates of two exponential variables", &q.head, &p.head)?;
        let ratio = (p.log_rate()? - q.log_rate()?)?;
        sum_batch(&((ratio.exp()? - &ratio)? - 1.0)?)
    }

    /// KL(q ‖ p), q as gamma variables of concentration 1, exact, `[N]` nats.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn exponential_gamma_kl(q: &Exponential, p: &Gamma) -> Result<Tensor> {
        gamma_kl(&q.as_gamma()?, p)
    }

    /// KL(q ‖ p), p as gamma variables of concentration 1, exact, `[N]` nats.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn gamma_exponential_kl(q: &Gamma, p: &Exponential) -> Result<Tensor> {
        gamma_kl(q, &p.as_gamma()?)
    }
}
