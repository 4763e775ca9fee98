//! Logistic variables on the grid of pixels.

distribution! {
    /// Independent logistic variables, discretised to the grid k/255 (Kingma et al. 2016). The head contains means,
    /// then log-scales.
    discrete discretised_logistic: DiscretisedLogistic(DiscretisedLogisticConfig {}),
    over: [Image],
    natural: [mean: Real, log_scale: Real or scale: Positive by log],
    closed_forms: [],
    examples: [{} over [1, 1, 1], {} over [3, 3, 2]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{
        Density, Distribution, Draw, Head, Noise, Result, Special, Tensor, Through, density, inside, ops, through,
    };

    /// Log-scales are clamped to ± this.
    const LOG_BOUND: f64 = 7.0;

    /// Pixels whose values before rounding are Logistic(mean, exp(log_scale)).
    #[derive(Debug, Clone)]
    pub struct DiscretisedLogistic {
        /// Means, then log-scales, `[N, 2C, H, W]`.
        head: Head,
    }

    impl DiscretisedLogistic {
        /// From a network's output: means, then log-scales, clamped to [−7, 7], concatenated in the first dimension after the
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
            let uniform = inside(&noise.uniform(name, mean.dims(), mean.dtype(), mean.device())?)?;
            let unit = (uniform.log()? - uniform.affine(-1.0, 1.0)?.log()?)?;
            mean + (unit * scale)?
        }
    }

    impl Density<3> for DiscretisedLogistic {
        const NAME: &'static str = "discretised_logistic";
        const BOUNDS: [f64; 3] = [f64::INFINITY, f64::INFINITY, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>(inputs: [S; 3]) -> S {
            density::Bin::of(inputs).log_mass(|t| -(-t).softplus())
        }

        #[inline(always)]
        fn slopes<S: Special>(inputs: [S; 3]) -> [S; 3] {
            density::Bin::of(inputs).slopes(|t| -(-t).softplus(), |t| -t - S::of(2.0) * (-t).softplus())
        }
    }

    impl Distribution for DiscretisedLogistic {
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
            let integral = |t: &Tensor| -> Result<Tensor> { ops::softplus(t) };
            let ends = [(mean.affine(-1.0, 1.0)? / &scale)?, (mean.neg()? / &scale)?];
            ((integral(&ends[0])? - integral(&ends[1])?)? * scale)?.affine(-1.0, 1.0)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }
}
