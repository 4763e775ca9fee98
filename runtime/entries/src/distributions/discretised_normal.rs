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
    use crate::discretised::{Discretised, Symmetric};
    use crate::tensors::{Noise, Result, Special, Tensor};
    use std::f64::consts::{FRAC_1_SQRT_2, TAU};

    /// Pixels whose values before rounding are N(mean, exp(2 log_std)).
    pub type DiscretisedNormal = Discretised<UnitNormal>;

    /// The standard normal distribution.
    #[derive(Debug, Clone)]
    pub struct UnitNormal;

    impl Symmetric for UnitNormal {
        const NAME: &'static str = "discretised_normal";

        fn sample(name: &str, noise: &mut Noise, like: &Tensor) -> Result<Tensor> {
            noise.normal(name, like.dims(), like.dtype(), like.device())
        }

        #[inline(always)]
        fn log_cdf<S: Special>(t: S) -> S {
            t.log_normal_cdf()
        }

        #[inline(always)]
        fn log_density<S: Special>(t: S) -> S {
            S::of(-0.5) * (t * t + S::of(TAU.ln()))
        }

        /// t Φ(t) + φ(t)
        fn integral(t: &Tensor) -> Result<Tensor> {
            let cdf = ((t * FRAC_1_SQRT_2)?.erf()? * 0.5)?.affine(1.0, 0.5)?;
            let density = ((t.sqr()? * -0.5)?.exp()? * TAU.sqrt().recip())?;
            (t * cdf)? + density
        }
    }
}
