//! Logistic variables on the grid of pixels.

distribution! {
    /// Independent logistic variables, discretised to the grid k/255 (Kingma et al. 2016). The head contains means,
    /// then log-scales.
    discrete discretised_logistic: DiscretisedLogistic(DiscretisedLogisticConfig {}),
    over: [Image],
    natural: [mean: Real, log_scale: Real or scale: Positive by log],
    closed_forms: [],
    distance: 1,
    examples: [{} over [1, 1, 1], {} over [3, 3, 2]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::discretised::{Discretised, Symmetric};
    use crate::tensors::{Noise, Result, Special, Tensor, inside, ops};

    /// Pixels whose values before rounding are Logistic(mean, exp(log_scale)).
    pub type DiscretisedLogistic = Discretised<UnitLogistic>;

    /// The logistic distribution of scale 1.
    #[derive(Debug, Clone)]
    pub struct UnitLogistic;

    impl Symmetric for UnitLogistic {
        const NAME: &'static str = "discretised_logistic";

        fn sample(name: &str, noise: &mut Noise, like: &Tensor) -> Result<Tensor> {
            let uniform = inside(&noise.uniform(name, like.dims(), like.dtype(), like.device())?)?;
            uniform.log()? - uniform.affine(-1.0, 1.0)?.log()?
        }

        #[inline(always)]
        fn log_cdf<S: Special>(t: S) -> S {
            -(-t).softplus()
        }

        #[inline(always)]
        fn log_density<S: Special>(t: S) -> S {
            -t - S::of(2.0) * (-t).softplus()
        }

        fn integral(t: &Tensor) -> Result<Tensor> {
            ops::softplus(t)
        }
    }
}
