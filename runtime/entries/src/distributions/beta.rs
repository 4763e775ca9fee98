//! Beta variables.

distribution! {
    /// Independent beta variables with density x^(α−1) (1 − x)^(β−1) / B(α, β). The head contains logarithms of α, then
    /// of β. Draws are reparameterised by the implicit gradients of two gamma variables.
    continuous beta: Beta(BetaConfig {}),
    over: [Unit],
    natural: [log_alpha: Real or alpha: Positive by log, log_beta: Real or beta: Positive by log],
    closed_forms: [beta: beta_kl],
    examples: [{} over [1], {} over [4, 3, 1]],
    // Next to 1, doubles are 1e-16 apart. With β = 0.4 the last one represents 1e-16^0.4 of the mass.
    error: 1e-6,
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, density, ops};

    /// Beta(exp(log_alpha), exp(log_beta)) in every dimension.
    #[derive(Debug, Clone)]
    pub struct Beta {
        /// Logarithms of α, then of β, `[N, 2C, …]`.
        head: Head,
    }

    impl Beta {
        /// From a network's output: logarithms of α, then of β, clamped to [−15, 15], concatenated in the first dimension after
        /// the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }

        fn parameters(&self) -> Result<[Tensor; 2]> {
            Ok([density::parameter::<Self, 3>(&self.head, 1)?, density::parameter::<Self, 3>(&self.head, 2)?])
        }
    }

    /// The logistic function, clamped so that single precision does not round to 0 or 1.
    fn sigmoid_inside(t: &Tensor) -> Result<Tensor> {
        (t.clamp(-80.0, 80.0)?.neg()?.exp()? + 1.0)?.recip()?.clamp(1e-30, 1.0 - 6e-8)
    }

    impl Density<3> for Beta {
        const NAME: &'static str = "beta";
        const BOUNDS: [f64; 3] = [f64::INFINITY, LOG_BOUND, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_alpha, log_beta]: [S; 3]) -> S {
            let (alpha, beta, one) = (log_alpha.exp(), log_beta.exp(), S::of(1.0));
            let normaliser = S::lgammas([alpha + beta], [alpha, beta]);
            normaliser + (alpha - one) * x.ln() + (beta - one) * (-x).ln_1p()
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_alpha, log_beta]: [S; 3]) -> [S; 3] {
            let (alpha, beta, one) = (log_alpha.exp(), log_beta.exp(), S::of(1.0));
            let both = (alpha + beta).digamma();
            [
                (alpha - one) / x - (beta - one) / (one - x),
                alpha * (both - alpha.digamma() + x.ln()),
                beta * (both - beta.digamma() + (-x).ln_1p()),
            ]
        }
    }

    impl Distribution for Beta {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 3>(value, &self.head)
        }

        /// a / (a + b) of two gamma variables, from their logarithms.
        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let mut gamma = |log: &Tensor| -> Result<Tensor> {
                let noise = noise.normal(name, log.dims(), log.dtype(), log.device())?;
                ops::log_gamma_draw(log, &(noise * draw.temperature)?)
            };
            let [alpha, beta] = self.parameters()?;
            sigmoid_inside(&(gamma(&alpha)? - gamma(&beta)?)?)
        }

        /// The mean. If both parameters are below 1, the density is highest at the ends, which are not valid values.
        fn mode(&self) -> Result<Tensor> {
            let [alpha, beta] = self.parameters()?;
            sigmoid_inside(&(alpha - beta)?)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats: ln B(α_p, β_p) − ln B(α_q, β_q) + (α_q − α_p) (ψ(α_q) − ψ(α_q + β_q)) + (β_q − β_p)
    /// (ψ(β_q) − ψ(α_q + β_q)), summed.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn beta_kl(q: &Beta, p: &Beta) -> Result<Tensor> {
        same_shape("the parameters of two beta variables", &q.head, &p.head)?;
        let ([alpha_q, beta_q], [alpha_p, beta_p]) = (q.parameters()?, p.parameters()?);
        let (alpha_q, beta_q, alpha_p, beta_p) = (alpha_q.exp()?, beta_q.exp()?, alpha_p.exp()?, beta_p.exp()?);
        let log_beta = |alpha: &Tensor, beta: &Tensor| -> Result<Tensor> {
            (ops::lgamma(alpha)? + ops::lgamma(beta)?)? - ops::lgamma(&(alpha + beta)?)?
        };
        let both = ops::digamma(&(&alpha_q + &beta_q)?)?;
        let of = |q: &Tensor, p: &Tensor| -> Result<Tensor> { (q - p)? * (ops::digamma(q)? - &both)? };
        let normalisers = (log_beta(&alpha_p, &beta_p)? - log_beta(&alpha_q, &beta_q)?)?;
        sum_batch(&(normalisers + (of(&alpha_q, &alpha_p)? + of(&beta_q, &beta_p)?)?)?)
    }
}
