//! Student's t.

distribution! {
    /// Independent variables with Student's t distribution. The head contains logarithms of degrees of freedom, then
    /// means, then log-scales. Draws are reparameterised, with implicit gradients for the degrees of freedom.
    continuous student_t: StudentT(StudentTConfig {}),
    over: [Real],
    natural: [log_df: Real or df: Positive by log, mean: Real, log_scale: Real or scale: Positive by log],
    closed_forms: [],
    distance: 1,
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, density, exp_inside, ops,
    };
    use std::f64::consts::{LN_2, PI};

    /// mean + exp(log_scale) times a variable of Student's t distribution with exp(log_df) degrees of freedom.
    #[derive(Debug, Clone)]
    pub struct StudentT {
        /// Logarithms of degrees of freedom, then means, then log-scales, `[N, 3C, …]`.
        head: Head,
    }

    impl StudentT {
        /// From a network's output: logarithms of degrees of freedom, then means, then log-scales, logarithms clamped to
        /// [−15, 15], concatenated in the first dimension after the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }
    }

    impl Density<4> for StudentT {
        const NAME: &'static str = "student_t";
        const BOUNDS: [f64; 4] = [f64::INFINITY, LOG_BOUND, f64::INFINITY, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_df, mean, log_scale]: [S; 4]) -> S {
            let (half, df, t) = (S::of(0.5), log_df.exp(), (x - mean) * (-log_scale).exp());
            let more = half * (df + S::of(1.0));
            let normaliser = S::lgammas([more], [half * df]) - half * (log_df + S::of(PI.ln()));
            normaliser - log_scale - more * (t * t / df).ln_1p()
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_df, mean, log_scale]: [S; 4]) -> [S; 4] {
            let (half, one, df, precision) = (S::of(0.5), S::of(1.0), log_df.exp(), (-log_scale).exp());
            let t = (x - mean) * precision;
            let (more, square) = (half * (df + one), t * t);
            let slope = -(df + one) * t / (df + square);
            let digammas = more.digamma() - (half * df).digamma();
            let for_df = half * (df * (digammas - (square / df).ln_1p()) - one - slope * t);
            [slope * precision, for_df, -slope * precision, -slope * t - one]
        }
    }

    impl Distribution for StudentT {
        /// ln Γ((ν + 1) / 2) − ln Γ(ν / 2) − ½ ln(πν) − ln s − (ν + 1) / 2 · ln(1 + t² / ν), t = (x − μ) / s, summed.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 4>(value, &self.head)
        }

        /// A normal variable divided by the root of a gamma variable with mean 1.
        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let mean = self.mode()?;
            let mut normal = || noise.normal(name, mean.dims(), mean.dtype(), mean.device());
            let concentration = (density::parameter::<Self, 4>(&self.head, 1)? - LN_2)?;
            let unit = (normal()? * draw.temperature)?;
            let log_gamma = (ops::log_gamma_draw(&concentration, &normal()?)? - concentration)?;
            let spread = exp_inside(&(density::parameter::<Self, 4>(&self.head, 3)? - (log_gamma * 0.5)?)?)?;
            mean + (unit * spread)?
        }

        /// The centre. It is also the mean if there is more than one degree of freedom.
        fn mode(&self) -> Result<Tensor> {
            density::parameter::<Self, 4>(&self.head, 2)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }
}
