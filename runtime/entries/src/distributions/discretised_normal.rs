//! Normal variables on the grid of pixels.

distribution! {
    /// Independent normal variables, discretised to the grid k/255 (Ho, Jain and Abbeel 2020). The head contains means,
    /// then logarithms of standard deviations.
    discrete discretised_normal: DiscretisedNormal(DiscretisedNormalConfig {}),
    over: [Image],
    natural: [mean: Real, log_std: Real or std: Positive by log],
    closed_forms: [],
    examples: [{} over [1, 1, 1], {} over [3, 3, 2]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{
        Density, Distribution, Draw, Head, Noise, Result, Special, Tensor, Through, density, ops, through,
    };

    /// Logarithms of standard deviations are clamped to ± this.
    const LOG_BOUND: f64 = 7.0;

    /// Pixels whose values before rounding are N(mean, exp(2 log_std)).
    #[derive(Debug, Clone)]
    pub struct DiscretisedNormal {
        /// Means, then logarithms of standard deviations, `[N, 2C, H, W]`.
        head: Head,
    }

    impl DiscretisedNormal {
        /// From a network's output: means, then logarithms of standard deviations, clamped to [−7, 7], concatenated in the first dimension after the
        /// batch. A mean of 0 is black, of 1 white.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }

        fn parameters(&self) -> Result<[Tensor; 2]> {
            Ok([density::parameter::<Self, 3>(&self.head, 1)?, density::parameter::<Self, 3>(&self.head, 2)?.exp()?])
        }

        /// A draw before rounding.
        fn value(&self, name: &str, noise: &mut Noise) -> Result<Tensor> {
            let [mean, scale] = self.parameters()?;
            let unit = noise.normal(name, mean.dims(), mean.dtype(), mean.device())?;
            mean + (unit * scale)?
        }
    }

    impl Density<3> for DiscretisedNormal {
        const NAME: &'static str = "discretised_normal";
        const BOUNDS: [f64; 3] = [f64::INFINITY, f64::INFINITY, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>(inputs: [S; 3]) -> S {
            density::Bin::of(inputs).log_mass(S::log_normal_cdf)
        }

        #[inline(always)]
        fn slopes<S: Special>(inputs: [S; 3]) -> [S; 3] {
            density::Bin::of(inputs)
                .slopes(S::log_normal_cdf, |t| S::of(-0.5) * (t * t + S::of((2.0 * std::f64::consts::PI).ln())))
        }
    }

    impl Distribution for DiscretisedNormal {
        /// ln of the mass between the two borders of each pixel's cell, summed. The cells of 0 and of 1 extend to
        /// infinity.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 3>(value, &self.head)
        }

        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            ops::transform::quantise(&self.value(name, noise)?.clamp(0.0, 1.0)?)
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            through::rounded(&self.value(name, noise)?, how)
        }

        /// The mean before rounding, rounded.
        fn mode(&self) -> Result<Tensor> {
            ops::transform::quantise(&self.parameters()?[0].clamp(0.0, 1.0)?)
        }

        /// 1 minus the integral of the distribution function from 0 to 1: the mean of the clamped value. Rounding
        /// changes it little.
        fn mean(&self) -> Result<Tensor> {
            let [mean, scale] = self.parameters()?;
            let integral = |t: &Tensor| -> Result<Tensor> {
                // t Φ(t) + φ(t)
                let cdf = ((t * std::f64::consts::FRAC_1_SQRT_2)?.erf()? * 0.5)?.affine(1.0, 0.5)?;
                let density = ((t.sqr()? * -0.5)?.exp()? * (2.0 * std::f64::consts::PI).sqrt().recip())?;
                (t * cdf)? + density
            };
            let ends = [(mean.affine(-1.0, 1.0)? / &scale)?, (mean.neg()? / &scale)?];
            ((integral(&ends[0])? - integral(&ends[1])?)? * scale)?.affine(-1.0, 1.0)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }
}
