//! The multivariate normal with a low-rank covariance.

use crate::prelude::*;

distribution! {
    /// A multivariate normal with covariance diag(variance) + WWᵀ, where W has few columns. The head contains the mean,
    /// then log-variances, then W column by column.
    continuous low_rank_normal: LowRankNormal(LowRankNormalConfig {
        /// columns of W
        rank: usize in 1..=64 = 1,
    }),
    over: [Real],
    natural: [
        mean: Real,
        log_var: Real or std: Positive by log_square or var: Positive by log,
        factor: Real of |config, size| size.saturating_mul(config.rank),
    ],
    closed_forms: [standard_normal: low_rank_standard_kl],
    examples: [{ rank: 1 } over [1], { rank: 2 } over [4]],
    fits: |_, shape| match shape.len() {
        1 => Ok(()),
        _ => Err(format!("is over vectors, not over shape {}", show_shape(shape))),
    },
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::distributions::standard_normal::StandardNormal;
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{Distribution, Draw, Head, LOG_VAR_BOUND, Noise, Result, Tensor, bail, fits, ops};

    /// N(mean, diag(exp(log_var)) + Σ w wᵀ).
    #[derive(Debug, Clone)]
    pub struct LowRankNormal {
        /// `[N, D]`
        mean: Tensor,
        /// `[N, D]`
        log_var: Tensor,
        /// The columns w, `[N, D]` each.
        columns: Vec<Tensor>,
    }

    impl LowRankNormal {
        /// From a network's output `[N, (2 + rank) D]`: the mean, then log-variances, clamped to [−7, 7], then the columns of W.
        ///
        /// # Errors
        /// A head of another size.
        pub fn from_head(head: impl Into<Head>, rank: usize) -> Result<Self> {
            let head = head.into();
            let (_, channels) = head.dims2()?;
            if channels % (rank + 2) != 0 {
                bail!("a normal of rank {rank} has a head of {} channels a variable, not {channels} in all", rank + 2);
            }
            let part = |at: usize| head.narrow(1, at * (channels / (rank + 2)), channels / (rank + 2))?.contiguous();
            let columns = (0..rank).map(|at| part(at + 2)).collect::<Result<_>>()?;
            let bound = head.bound(1, LOG_VAR_BOUND);
            Ok(Self { mean: part(0)?, log_var: part(1)?.clamp(-bound, bound)?, columns })
        }

        /// dᵀ C⁻¹ d and ln det C for the covariance C, `[N]` each, computed column by column (Sherman and Morrison
        /// 1950). Each column adds ln(1 + wᵀ C⁻¹ w) to the second and subtracts (wᵀ C⁻¹ d)² / (1 + wᵀ C⁻¹ w) from the
        /// first.
        fn quadratic_and_log_det(&self, distance: &Tensor) -> Result<(Tensor, Tensor)> {
            let precision = self.log_var.neg()?.exp()?;
            let dot = |a: &Tensor, b: &Tensor| -> Result<Tensor> { (a * b)?.sum_keepdim(1) };
            let scaled = (distance * &precision)?;
            let (mut quadratic, mut log_det) = (dot(distance, &scaled)?, self.log_var.sum_keepdim(1)?);
            // For each column so far: C⁻¹ w with the covariance at that point, and 1 + wᵀ C⁻¹ w.
            let mut done: Vec<(&Tensor, Tensor, Tensor)> = Vec::with_capacity(self.columns.len());
            for column in &self.columns {
                let mut solved = (column * &precision)?;
                for (_, earlier, size) in &done {
                    let share = (dot(column, earlier)? / size)?;
                    solved = (solved - earlier.broadcast_mul(&share)?)?;
                }
                let size = (dot(column, &solved)? + 1.0)?;
                let along = dot(distance, &solved)?;
                quadratic = (quadratic - (along.sqr()? / &size)?)?;
                log_det = (log_det + size.log()?)?;
                done.push((column, solved, size));
            }
            Ok((quadratic.squeeze(1)?, log_det.squeeze(1)?))
        }
    }

    impl Distribution for LowRankNormal {
        /// −½ (dᵀ C⁻¹ d + ln det C + D ln 2π), d = x − μ.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            same_shape("a normal's value and its mean", value, &self.mean)?;
            let (quadratic, log_det) = self.quadratic_and_log_det(&(value - &self.mean)?)?;
            let constant = value.dim(1)? as f64 * (2.0 * std::f64::consts::PI).ln();
            ((quadratic + log_det)? + constant)? * -0.5
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let (rows, size) = self.mean.dims2()?;
            let shape = [rows, size + self.columns.len()];
            let epsilon = noise.normal(name, &shape, self.mean.dtype(), self.mean.device())?;
            let epsilon = (epsilon * draw.temperature)?;
            let own = epsilon.narrow(1, 0, size)?.contiguous()?;
            let mut value = (&self.mean + ((&self.log_var * 0.5)?.exp()? * own)?)?;
            for (at, column) in self.columns.iter().enumerate() {
                value = (value + column.broadcast_mul(&epsilon.narrow(1, size + at, 1)?)?)?;
            }
            Ok(value)
        }

        fn mode(&self) -> Result<Tensor> {
            Ok(self.mean.clone())
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            let columns = self.columns.iter().map(|column| ops::repeat(column, samples)).collect::<Result<_>>()?;
            let (mean, log_var) = (ops::repeat(&self.mean, samples)?, ops::repeat(&self.log_var, samples)?);
            Ok(Box::new(Self { mean, log_var, columns }))
        }
    }

    /// KL(q ‖ N(0, 1)), exact, `[N]` nats: ½ (tr C + |μ|² − D − ln det C).
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn low_rank_standard_kl(q: &LowRankNormal, p: &StandardNormal) -> Result<Tensor> {
        fits("a standard normal", &q.mean, p.shape())?;
        let mut squares = ((q.log_var.exp()? + q.mean.sqr()?)? - 1.0)?;
        for column in &q.columns {
            squares = (squares + column.sqr()?)?;
        }
        let (_, log_det) = q.quadratic_and_log_det(&q.mean)?;
        (sum_batch(&squares)? - log_det)? * 0.5
    }
}
