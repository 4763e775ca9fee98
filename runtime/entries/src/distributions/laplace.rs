//! Independent Laplace variables.

distribution! {
    /// Independent Laplace variables. The head contains means, then log-scales; those from a network are clamped to
    /// [−7, 7].
    continuous laplace: Laplace(LaplaceConfig {}),
    over: [Real],
    natural: [mean: Real, log_scale: Real or scale: Positive by log],
    closed_forms: [laplace: laplace_kl],
    distance: 1,
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::ops::{normal_halves, repeat, same_shape, sum_batch};
    use crate::tensors::{Distribution, Draw, Head, Noise, Result, Tensor};

    /// Log-scales from a network are clamped to ± this.
    const LOG_SCALE_BOUND: f64 = 7.0;

    /// Laplace(mean, exp(log_scale)) in every dimension.
    #[derive(Debug, Clone)]
    pub struct Laplace {
        /// `[N, …]`
        pub mean: Tensor,
        /// `[N, …]`
        pub log_scale: Tensor,
    }

    impl Laplace {
        /// From a network's output: means, then log-scales, concatenated in the first dimension after the batch.
        ///
        /// # Errors
        /// An odd number of channels.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            let head = head.into();
            let (mean, log_scale) = normal_halves(&head, head.bound(1, LOG_SCALE_BOUND))?;
            Ok(Self { mean, log_scale })
        }
    }

    impl Distribution for Laplace {
        /// −|x − μ| / b − ln b − ln 2, summed.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            same_shape("a Laplace variable's value and its mean", value, &self.mean)?;
            let distance = ((value - &self.mean)?.abs()? * self.log_scale.neg()?.exp()?)?;
            sum_batch(&((distance + &self.log_scale)? + std::f64::consts::LN_2)?.neg()?)
        }

        /// The difference of two exponential draws, −ln(1 − u) each with u in [0, 1), in units of the scale.
        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let mut exponential = || -> Result<Tensor> {
                let uniform = noise.uniform(name, self.mean.dims(), self.mean.dtype(), self.mean.device())?;
                uniform.affine(-1.0, 1.0)?.log()?.neg()
            };
            let unit = ((exponential()? - exponential()?)? * draw.temperature)?;
            &self.mean + (unit * self.log_scale.exp()?)?
        }

        fn mode(&self) -> Result<Tensor> {
            Ok(self.mean.clone())
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { mean: repeat(&self.mean, samples)?, log_scale: repeat(&self.log_scale, samples)? }))
        }
    }

    /// KL(q ‖ p), `[N]` nats: ln (b_p / b_q) + (d + b_q exp(−d / b_q)) / b_p − 1 with d the distance of the means.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn laplace_kl(q: &Laplace, p: &Laplace) -> Result<Tensor> {
        same_shape("the means of two Laplace variables", &q.mean, &p.mean)?;
        let distance = (&q.mean - &p.mean)?.abs()?;
        let near = (&q.log_scale - (&distance * q.log_scale.neg()?.exp()?)?)?.exp()?;
        let expected = ((distance + near)? * p.log_scale.neg()?.exp()?)?;
        sum_batch(&(((&p.log_scale - &q.log_scale)? + expected)? - 1.0)?)
    }
}
