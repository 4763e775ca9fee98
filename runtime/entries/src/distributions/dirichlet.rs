//! Dirichlet variables.

distribution! {
    /// Proportions with a Dirichlet distribution, for a map at each position. The head contains logarithms of
    /// concentrations. Draws are reparameterised by the implicit gradients of gamma variables.
    surface dirichlet: Dirichlet(DirichletConfig {}),
    over: [Simplex],
    natural: [log_concentration: Real or concentration: Positive by log],
    closed_forms: [dirichlet: dirichlet_kl],
    examples: [{} over [2], {} over [4], {} over [3, 2, 2]],
    // As for a beta variable: doubles next to 1 are 1e-16 apart.
    error: 1e-6,
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, bail, density, ops,
    };

    /// Dirichlet(exp(log_concentration)) over `[N, K]`; one for each position of `[N, K, …]`.
    #[derive(Debug, Clone)]
    pub struct Dirichlet {
        /// Logarithms of concentrations, `[N, K, …]`.
        head: Head,
    }

    impl Dirichlet {
        /// From a network's output `[N, K]` or `[N, K, …]`: logarithms of concentrations, clamped to [−15, 15].
        ///
        /// # Errors
        /// A head without parts.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            let head = head.into();
            if head.rank() < 2 {
                bail!("the concentrations of parts are [N, K, …], not of shape {:?}", head.dims())
            }
            Ok(Self { head })
        }

        fn log_concentration(&self) -> Result<Tensor> {
            density::parameter::<Self, 2>(&self.head, 1)
        }
    }

    /// Proportional to the exponentials, clamped so that single precision does not round to 0.
    fn proportions(log: &Tensor) -> Result<Tensor> {
        let shifted = log.broadcast_sub(&log.max_keepdim(1)?.detach())?.maximum(-60.0)?.exp()?;
        shifted.broadcast_div(&shifted.sum_keepdim(1)?)
    }

    /// The terms of ln p per proportion: all but the normaliser that depends on the sum.
    impl Density<2> for Dirichlet {
        const NAME: &'static str = "dirichlet";
        const BOUNDS: [f64; 2] = [f64::INFINITY, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_concentration]: [S; 2]) -> S {
            let concentration = log_concentration.exp();
            (concentration - S::of(1.0)) * x.ln() - concentration.lgamma()
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_concentration]: [S; 2]) -> [S; 2] {
            let concentration = log_concentration.exp();
            [(concentration - S::of(1.0)) / x, concentration * (x.ln() - concentration.digamma())]
        }
    }

    impl Distribution for Dirichlet {
        /// ln Γ(Σα) − Σ ln Γ(α) + Σ (α − 1) ln x, a density over all proportions but one.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            let parts = density::log_prob::<Self, 2>(value, &self.head)?;
            parts + sum_batch(&ops::lgamma(&self.log_concentration()?.exp()?.sum_keepdim(1)?)?)?
        }

        /// Gamma variables divided by their sum, from their logarithms.
        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let log = self.log_concentration()?;
            let noise = noise.normal(name, log.dims(), log.dtype(), log.device())?;
            proportions(&ops::log_gamma_draw(&log, &(noise * draw.temperature)?)?)
        }

        /// The mean. Concentrations below 1 put the highest density at the border, where there are no valid values.
        fn mode(&self) -> Result<Tensor> {
            proportions(&self.log_concentration()?)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats: ln Γ(Σα_q) − ln Γ(Σα_p) + Σ (ln Γ(α_p) − ln Γ(α_q) + (α_q − α_p) (ψ(α_q) − ψ(Σα_q))).
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn dirichlet_kl(q: &Dirichlet, p: &Dirichlet) -> Result<Tensor> {
        same_shape("the concentrations of two Dirichlet variables", &q.head, &p.head)?;
        let (of_q, of_p) = (q.log_concentration()?.exp()?, p.log_concentration()?.exp()?);
        let (sum_q, sum_p) = (of_q.sum_keepdim(1)?, of_p.sum_keepdim(1)?);
        let expected = ops::digamma(&of_q)?.broadcast_sub(&ops::digamma(&sum_q)?)?;
        let each = ((ops::lgamma(&of_p)? - ops::lgamma(&of_q)?)? + ((&of_q - &of_p)? * expected)?)?;
        sum_batch(&each)? + sum_batch(&(ops::lgamma(&sum_q)? - ops::lgamma(&sum_p)?)?)?
    }
}
