//! Poisson variables.

distribution! {
    /// Independent Poisson variables. The head contains logarithms of rates.
    discrete poisson: Poisson(PoissonConfig {}),
    over: [Count],
    natural: [log_rate: Real or rate: Positive by log],
    closed_forms: [poisson: poisson_kl],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, Through, density, ops, through,
    };

    /// Poisson(exp(log_rate)) in every dimension.
    #[derive(Debug, Clone)]
    pub struct Poisson {
        /// Logarithms of rates, `[N, …]`.
        head: Head,
    }

    impl Poisson {
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
    }

    impl Density<2> for Poisson {
        const NAME: &'static str = "poisson";
        const BOUNDS: [f64; 2] = [f64::INFINITY, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_rate]: [S; 2]) -> S {
            x * log_rate - log_rate.exp() - (x + S::of(1.0)).lgamma()
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_rate]: [S; 2]) -> [S; 2] {
            [log_rate - (x + S::of(1.0)).digamma(), x - log_rate.exp()]
        }
    }

    impl Distribution for Poisson {
        /// x ln λ − λ − ln x!, summed.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 2>(value, &self.head)
        }

        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            let noise = noise.normal(name, self.head.dims(), self.head.dtype(), self.head.device())?;
            ops::poisson_draw(&self.log_rate()?, &noise)
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            through::count(&self.sample(name, noise, &Draw::default())?, &self.mean()?, how)
        }

        /// The integer part of the rate.
        fn mode(&self) -> Result<Tensor> {
            self.mean()?.floor()
        }

        /// The rate, which need not be an integer.
        fn mean(&self) -> Result<Tensor> {
            self.log_rate()?.exp()
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats: λ_q ln (λ_q / λ_p) − λ_q + λ_p, summed.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn poisson_kl(q: &Poisson, p: &Poisson) -> Result<Tensor> {
        same_shape("the rates of two Poisson variables", &q.head, &p.head)?;
        let (log_q, log_p) = (q.log_rate()?, p.log_rate()?);
        let rate = log_q.exp()?;
        sum_batch(&(((&rate * (&log_q - &log_p)?)? - rate)? + log_p.exp()?)?)
    }
}
