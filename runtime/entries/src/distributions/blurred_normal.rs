//! Normal variables with uniform noise.

distribution! {
    /// Independent normal variables plus noise that is uniform on [−½, ½]: at a whole number the density is the probability
    /// that the normal is rounded to it (Ballé et al. 2018). It is the prior for a latent whose factor in q is
    /// `uniform_around`. The head contains means, then logarithms of standard deviations.
    continuous blurred_normal: BlurredNormal(BlurredNormalConfig {}),
    over: [Real],
    natural: [mean: Real, log_std: Real or std: Positive by log],
    closed_forms: [],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Density, Distribution, Draw, Head, Noise, Result, Special, Tensor, density};

    /// Logarithms of standard deviations are clamped to ± this.
    const LOG_BOUND: f64 = 7.0;

    /// N(mean, exp(2 log_std)) plus a uniform number on [−½, ½] in every dimension.
    #[derive(Debug, Clone)]
    pub struct BlurredNormal {
        /// Means, then logarithms of standard deviations, `[N, 2C, …]`.
        head: Head,
    }

    impl BlurredNormal {
        /// From a network's output: means, then logarithms of standard deviations, clamped to [−7, 7], concatenated in the
        /// first dimension after the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }
    }

    impl Density<3> for BlurredNormal {
        const NAME: &'static str = "blurred_normal";
        const BOUNDS: [f64; 3] = [f64::INFINITY, f64::INFINITY, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>(inputs: [S; 3]) -> S {
            density::Bin::around(inputs, 0.5).log_mass(S::log_normal_cdf)
        }

        #[inline(always)]
        fn slopes<S: Special>(inputs: [S; 3]) -> [S; 3] {
            density::Bin::around(inputs, 0.5)
                .slopes(S::log_normal_cdf, |t| S::of(-0.5) * (t * t + S::of((2.0 * std::f64::consts::PI).ln())))
        }
    }

    impl Distribution for BlurredNormal {
        /// ln of the normal's mass in the interval of length 1 around each value, summed.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 3>(value, &self.head)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let (mean, scale) = (self.mode()?, density::parameter::<Self, 3>(&self.head, 2)?.exp()?);
            let unit = (noise.normal(name, mean.dims(), mean.dtype(), mean.device())? * scale)?;
            let uniform = noise.uniform(name, mean.dims(), mean.dtype(), mean.device())?.affine(1.0, -0.5)?;
            mean + ((unit + uniform)? * draw.temperature)?
        }

        fn mode(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 1)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }
}
