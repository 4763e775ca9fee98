//! The von Mises-Fisher distribution.

distribution! {
    /// A direction with the von Mises-Fisher distribution, whose density is proportional to exp(κ μᵀx) (Davidson et al.
    /// 2018). The head contains a vector whose direction is μ, then the logarithm of the concentration κ; that from a
    /// network is clamped to [−10, 10]. Draws are reparameterised by the implicit gradient of the angle to μ.
    surface von_mises_fisher: VonMisesFisher(VonMisesFisherConfig {}),
    over: [Sphere],
    natural: [mean: Real, log_concentration: Real or concentration: Positive by log of |_, _| 1],
    closed_forms: [von_mises_fisher: von_mises_fisher_kl, uniform_on_sphere: von_mises_fisher_uniform_kl],
    examples: [{} over [2], {} over [3], {} over [12]],
    fits: |_, shape| super::uniform_on_sphere::fits_sphere(shape),
    // That of the normaliser.
    error: 1e-10,
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::blocks::direction::direction;
    use crate::distributions::uniform_on_sphere::UniformOnSphere;
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{Distribution, Draw, Head, Noise, Result, Tensor, bail, fits, ops};
    use candle_core::DType;

    /// Logarithms of concentrations from a network are clamped to ± this.
    const LOG_CONCENTRATION_BOUND: f64 = 10.0;
    /// The least temperature: at 0 the concentration would be infinite.
    const COLDEST: f64 = 1e-3;

    /// The von Mises-Fisher distribution of vectors of D coordinates.
    #[derive(Debug, Clone)]
    pub struct VonMisesFisher {
        /// Directions, `[N, D]`.
        mean: Tensor,
        /// `[N, 1]`
        log_concentration: Tensor,
    }

    impl VonMisesFisher {
        /// From a network's output `[N, D + 1]`: vectors whose directions are the means, then logarithms of concentrations,
        /// clamped to [−10, 10].
        ///
        /// # Errors
        /// A head of fewer than three channels.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            let head = head.into();
            let (_, channels) = head.dims2()?;
            if channels < 3 {
                bail!("a von Mises-Fisher distribution has a head of three channels or more, not of {channels}")
            }
            let part = |at, size| head.narrow(1, at, size)?.contiguous();
            let bound = head.bound(1, LOG_CONCENTRATION_BOUND);
            let log_concentration = part(channels - 1, 1)?.clamp(-bound, bound)?;
            Ok(Self { mean: direction(&part(0, channels - 1)?)?, log_concentration })
        }

        fn size(&self) -> usize {
            self.mean.dims()[1]
        }

        /// ln of the density at the mean, and κ times what the mean of the distribution lacks in length, κ (1 − |E x|), in
        /// double precision, because both are small beside κ: `[N, 1]` each.
        fn peak_and_lack(&self) -> Result<(Tensor, Tensor)> {
            let log = self.log_concentration.to_dtype(DType::F64)?;
            let lack = (1.0 - ops::direction_mean_length(&log, self.size())?)?;
            Ok((ops::direction_log_peak(&log, self.size())?, (log.exp()? * lack)?))
        }
    }

    impl Distribution for VonMisesFisher {
        /// ln C(κ) + κ − κ |x − μ|² / 2, which is exact in single precision too.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            same_shape("a direction and its mean", value, &self.mean)?;
            let apart = (value - &self.mean)?.sqr()?.sum_keepdim(1)?;
            let peak = ops::direction_log_peak(&self.log_concentration, self.size())?;
            sum_batch(&(peak - (apart * (self.log_concentration.exp()? * 0.5)?)?)?)
        }

        /// cos θ μ + sin θ t, t a uniform direction orthogonal to μ: the image of a uniform direction orthogonal to the
        /// first axis under the reflection that maps this axis to μ. A temperature T divides the concentration by T².
        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let normal = noise.normal(name, self.mean.dims(), self.mean.dtype(), self.mean.device())?;
            let log = (&self.log_concentration - 2.0 * draw.temperature.max(COLDEST).ln())?;
            let angle = ops::direction_angle_draw(&log, &normal.narrow(1, 0, 1)?.contiguous()?, self.size())?;
            let along = direction(&normal.narrow(1, 1, self.size() - 1)?)?.pad_with_zeros(1, 1, 0)?;
            let axis = self.mean.narrow(1, 0, 1)?.ones_like()?.pad_with_zeros(1, 0, self.size() - 1)?;
            let mirror = direction(&(axis - &self.mean)?)?;
            let across = (&mirror * &along)?.sum_keepdim(1)?;
            let tangent = (along - mirror.broadcast_mul(&(across * 2.0)?)?)?;
            self.mean.broadcast_mul(&angle.cos()?)? + tangent.broadcast_mul(&angle.sin()?)?
        }

        fn mode(&self) -> Result<Tensor> {
            Ok(self.mean.clone())
        }

        /// The mean, which is inside of the sphere.
        fn mean(&self) -> Result<Tensor> {
            self.mean.broadcast_mul(&ops::direction_mean_length(&self.log_concentration, self.size())?)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            let mean = ops::repeat(&self.mean, samples)?;
            Ok(Box::new(Self { mean, log_concentration: ops::repeat(&self.log_concentration, samples)? }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats: ln C(κ_q) − ln C(κ_p) + A(κ_q) (κ_q − κ_p μ_pᵀ μ_q), with A the length of the mean.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn von_mises_fisher_kl(q: &VonMisesFisher, p: &VonMisesFisher) -> Result<Tensor> {
        same_shape("the means of two directions", &q.mean, &p.mean)?;
        let wide = |tensor: &Tensor| tensor.to_dtype(DType::F64);
        let ((peak_q, lack_q), peak_p) = (q.peak_and_lack()?, p.peak_and_lack()?.0);
        let apart = ((wide(&q.mean)? - wide(&p.mean)?)?.sqr()?.sum_keepdim(1)? * 0.5)?;
        // κ_p (1 − A(κ_q) μ_pᵀ μ_q), with μ_pᵀ μ_q = 1 − apart.
        let (log_q, log_p) = (wide(&q.log_concentration)?, wide(&p.log_concentration)?);
        let lack = ((&lack_q * (&log_p - &log_q)?.exp()?)?
            + (apart * (log_q.exp()? - &lack_q)?)? * (&log_p - &log_q)?.exp()?)?;
        sum_batch(&(((peak_q - peak_p)? - lack_q)? + lack)?)?.to_dtype(q.mean.dtype())
    }

    /// KL(q ‖ uniform), exact, `[N]` nats: ln C(κ) + κ A(κ) + ln of the area of the sphere.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn von_mises_fisher_uniform_kl(q: &VonMisesFisher, p: &UniformOnSphere) -> Result<Tensor> {
        fits("a uniform distribution on a sphere", &q.mean, p.shape())?;
        let (peak, lack) = q.peak_and_lack()?;
        sum_batch(&((peak - lack)? + p.log_area()?)?)?.to_dtype(q.mean.dtype())
    }
}
