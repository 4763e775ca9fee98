//! The multivariate normal with full covariance.

use crate::prelude::*;

distribution! {
    /// A multivariate normal with covariance LLᵀ, where L is lower triangular. The head contains the mean, then the
    /// lower triangle of L row by row, with logarithms on the diagonal.
    continuous multivariate_normal: MultivariateNormal(MultivariateNormalConfig {}),
    over: [Real],
    natural: [mean: Real, cholesky: Real of |_, size| size.saturating_mul(size.saturating_add(1)) / 2],
    closed_forms: [
        standard_normal: multivariate_standard_kl,
        normal: multivariate_normal_kl,
        multivariate_normal: multivariate_kl,
    ],
    closed_forms_of: [normal: normal_multivariate_kl],
    examples: [{} over [1], {} over [4]],
    fits: |_, shape| match shape.len() {
        1 => Ok(()),
        _ => Err(format!("is over vectors, not over shape {}", show_shape(shape))),
    },
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::distributions::normal::Normal;
    use crate::distributions::standard_normal::StandardNormal;
    use crate::tensors::ops::triangular::{log_diagonal, lower, packed, solve_lower};
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{Distribution, Draw, Head, Noise, Result, Tensor, bail, fits, ops};

    /// Logarithms on the diagonal from a network are clamped to ± this.
    const LOG_BOUND: f64 = 7.0;

    /// N(mean, LLᵀ).
    #[derive(Debug, Clone)]
    pub struct MultivariateNormal {
        /// `[N, D]`
        mean: Tensor,
        /// L as [`ops::triangular`] stores it, `[N, D(D + 1)/2]`.
        cholesky: Tensor,
    }

    impl MultivariateNormal {
        /// From a network's output `[N, D + D(D + 1)/2]`: the mean, then L row by row up to its diagonal, whose
        /// logarithms are clamped to [−7, 7].
        ///
        /// # Errors
        /// A head of another size.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            let head = head.into();
            let (_, channels) = head.dims2()?;
            let Some(size) = (1..=channels).find(|size| size + packed(*size) >= channels) else {
                bail!("a multivariate normal's head has {channels} channels");
            };
            if size + packed(size) != channels {
                bail!("no multivariate normal's head has {channels} channels: D variables need D + D(D + 1)/2");
            }
            let raw = head.narrow(1, size, packed(size))?;
            let is_diagonal = (0..size).flat_map(|i| (0..=i).map(move |j| u8::from(i == j)));
            let is_diagonal = Tensor::from_iter(is_diagonal, head.device())?.unsqueeze(0)?.broadcast_as(raw.shape())?;
            let bound = head.bound(1, LOG_BOUND);
            let cholesky = is_diagonal.where_cond(&raw.clamp(-bound, bound)?, &raw)?;
            Ok(Self { mean: head.narrow(1, 0, size)?.contiguous()?, cholesky })
        }

        fn size(&self) -> usize {
            self.mean.dims()[1]
        }

        /// ½ ln of the covariance's determinant, `[N]`.
        fn half_log_det(&self) -> Result<Tensor> {
            log_diagonal(&self.cholesky, self.size())?.sum(1)
        }

        /// The variances, `[N, D]`.
        fn variances(&self) -> Result<Tensor> {
            lower(&self.cholesky, self.size())?.sqr()?.sum(2)
        }
    }

    impl Distribution for MultivariateNormal {
        /// −½ |L⁻¹(x − μ)|² − ln det L − D/2 ln 2π.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            same_shape("a multivariate normal's value and its mean", value, &self.mean)?;
            let unit = solve_lower(&self.cholesky, &(value - &self.mean)?)?;
            let squares = (unit.sqr()?.sum(1)? + self.size() as f64 * (2.0 * std::f64::consts::PI).ln())?;
            (squares * -0.5)? - self.half_log_det()?
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let epsilon = noise.normal(name, self.mean.dims(), self.mean.dtype(), self.mean.device())?;
            let epsilon = (epsilon * draw.temperature)?.unsqueeze(2)?;
            &self.mean + lower(&self.cholesky, self.size())?.matmul(&epsilon)?.squeeze(2)?
        }

        fn mode(&self) -> Result<Tensor> {
            Ok(self.mean.clone())
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            let (mean, cholesky) = (ops::repeat(&self.mean, samples)?, ops::repeat(&self.cholesky, samples)?);
            Ok(Box::new(Self { mean, cholesky }))
        }
    }

    /// KL(q ‖ N(0, 1)), exact, `[N]` nats: ½ (tr LLᵀ + |μ|² − D) − ln det L.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn multivariate_standard_kl(q: &MultivariateNormal, p: &StandardNormal) -> Result<Tensor> {
        fits("a standard normal", &q.mean, p.shape())?;
        let squares = sum_batch(&((q.variances()? + q.mean.sqr()?)? - 1.0)?)?;
        (squares * 0.5)? - q.half_log_det()?
    }

    /// KL(q ‖ p) for a diagonal p, exact, `[N]` nats.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn multivariate_normal_kl(q: &MultivariateNormal, p: &Normal) -> Result<Tensor> {
        same_shape("the means of two normals", &q.mean, &p.mean)?;
        let distance = (&q.mean - &p.mean)?.sqr()?;
        let ratio = ((q.variances()? + distance)? * p.log_var.neg()?.exp()?)?;
        let each = ((ratio + &p.log_var)? - 1.0)?;
        (sum_batch(&each)? * 0.5)? - q.half_log_det()?
    }

    /// KL(q ‖ p), exact, `[N]` nats.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn multivariate_kl(q: &MultivariateNormal, p: &MultivariateNormal) -> Result<Tensor> {
        same_shape("the means of two normals", &q.mean, &p.mean)?;
        let columns = lower(&q.cholesky, q.size())?.transpose(1, 2)?.contiguous()?;
        kl(&columns, &(&q.mean - &p.mean)?, p)? - q.half_log_det()?
    }

    /// KL(q ‖ p) for a diagonal q, exact, `[N]` nats.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn normal_multivariate_kl(q: &Normal, p: &MultivariateNormal) -> Result<Tensor> {
        same_shape("the means of two normals", &q.mean, &p.mean)?;
        let (half, size) = ((&q.log_var * 0.5)?, p.size());
        let unit = Tensor::eye(size, half.dtype(), half.device())?.unsqueeze(0)?;
        let columns = half.exp()?.unsqueeze(2)?.broadcast_mul(&unit)?;
        kl(&columns, &(&q.mean - &p.mean)?, p)? - half.sum(1)?
    }

    /// ½ (|L_p⁻¹ L_q|² + |L_p⁻¹ (μ_q − μ_p)|² − D) + ln det L_p, where the first norm is Frobenius'. It lacks − ln det L_q. The
    /// columns of L_q are `[N, D, D]`, one after the other, and the difference of the means is `[N, D]`.
    fn kl(columns: &Tensor, difference: &Tensor, p: &MultivariateNormal) -> Result<Tensor> {
        let ((rows, size), elements) = (difference.dims2()?, p.cholesky.dim(1)?);
        let columns = Tensor::cat(&[columns, &difference.unsqueeze(1)?], 1)?;
        let each = rows * (size + 1);
        let matrices = p.cholesky.unsqueeze(1)?.broadcast_as((rows, size + 1, elements))?.contiguous()?;
        let solved = solve_lower(&matrices.reshape((each, elements))?, &columns.reshape((each, size))?)?;
        let squares = solved.sqr()?.reshape((rows, (size + 1) * size))?.sum(1)?;
        ((squares - size as f64)? * 0.5)? + p.half_log_det()?
    }
}
