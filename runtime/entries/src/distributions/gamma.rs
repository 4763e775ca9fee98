//! Gamma variables.

distribution! {
    /// Independent gamma variables. The head contains logarithms of concentrations, then of rates. Draws are
    /// reparameterised by implicit gradients (Figurnov, Mohamed and Mnih 2018).
    continuous gamma: Gamma(GammaConfig {}),
    over: [Positive],
    natural: [
        log_concentration: Real or concentration: Positive by log,
        log_rate: Real or rate: Positive by log or scale: Positive by log_inverse,
    ],
    closed_forms: [gamma: gamma_kl],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, density, exp_inside, ops,
    };

    /// Gamma(exp(log_concentration), exp(log_rate)) in every dimension.
    #[derive(Debug, Clone)]
    pub struct Gamma {
        /// Logarithms of concentrations, then of rates, `[N, 2C, …]`.
        head: Head,
    }

    impl Gamma {
        /// From a network's output: logarithms of concentrations, then of rates, clamped to [−15, 15], concatenated in the first
        /// dimension after the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }

        /// Logarithms of concentrations, clamped.
        ///
        /// # Errors
        /// A failed tensor operation.
        pub fn log_concentration(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 1)
        }

        /// Logarithms of rates, clamped.
        ///
        /// # Errors
        /// A failed tensor operation.
        pub fn log_rate(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 2)
        }
    }

    impl Density<3> for Gamma {
        const NAME: &'static str = "gamma";
        const BOUNDS: [f64; 3] = [f64::INFINITY, LOG_BOUND, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_concentration, log_rate]: [S; 3]) -> S {
            let concentration = log_concentration.exp();
            let scaled = concentration * log_rate - concentration.lgamma();
            scaled + (concentration - S::of(1.0)) * x.ln() - log_rate.exp() * x
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_concentration, log_rate]: [S; 3]) -> [S; 3] {
            let (concentration, rate) = (log_concentration.exp(), log_rate.exp());
            let above = concentration * (log_rate + x.ln() - concentration.digamma());
            [(concentration - S::of(1.0)) / x - rate, above, concentration - rate * x]
        }
    }

    impl Distribution for Gamma {
        /// a ln b − ln Γ(a) + (a − 1) ln x − bx, summed, with concentration a and rate b.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 3>(value, &self.head)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let concentration = self.log_concentration()?;
            let noise = noise.normal(name, concentration.dims(), concentration.dtype(), concentration.device())?;
            let log = ops::log_gamma_draw(&concentration, &(noise * draw.temperature)?)?;
            exp_inside(&(log - self.log_rate()?)?)
        }

        /// The mean. For concentrations below 1 the density is highest at 0, which is not a valid value.
        fn mode(&self) -> Result<Tensor> {
            exp_inside(&(self.log_concentration()? - self.log_rate()?)?)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats: (a_q − a_p) ψ(a_q) − ln Γ(a_q) + ln Γ(a_p) + a_p ln (b_q / b_p) + a_q (b_p / b_q − 1),
    /// summed.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn gamma_kl(q: &Gamma, p: &Gamma) -> Result<Tensor> {
        same_shape("the parameters of two gamma variables", &q.head, &p.head)?;
        let (of_q, of_p) = (q.log_concentration()?.exp()?, p.log_concentration()?.exp()?);
        let rates = (q.log_rate()? - p.log_rate()?)?;
        let shapes = (((&of_q - &of_p)? * ops::digamma(&of_q)?)? + (ops::lgamma(&of_p)? - ops::lgamma(&of_q)?)?)?;
        let scales = ((&of_p * &rates)? + (&of_q * (rates.neg()?.exp()? - 1.0)?)?)?;
        sum_batch(&(shapes + scales)?)
    }
}
