//! The diagonal normal.

distribution! {
    /// A diagonal normal. The head contains means, then log-variances; those from a network are clamped to [−7, 7].
    continuous normal: Normal(NormalConfig {}),
    over: [Real],
    natural: [mean: Real, log_var: Real or std: Positive by log_square or var: Positive by log],
    closed_forms: [normal: normal_kl, standard_normal: standard_normal_kl],
    experts: [standard_normal],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::distributions::standard_normal::StandardNormal;
    use crate::tensors::{Distribution, Draw, Head, LOG_VAR_BOUND, Noise, Result, Tensor, bail, fits, ops, partly, Expert};

    /// N(mean, diag(exp(log_var))).
    #[derive(Debug, Clone)]
    pub struct Normal {
        /// `[N, …]`
        pub mean: Tensor,
        /// `[N, …]`
        pub log_var: Tensor,
    }

    impl Normal {
        /// From a network's output: means, then log-variances (clamped to [−7, 7]), concatenated in the first dimension after
        /// the batch.
        ///
        /// # Errors
        /// An odd number of channels.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            let head = head.into();
            let (mean, log_var) = ops::normal_halves(&head, head.bound(1, LOG_VAR_BOUND))?;
            Ok(Self { mean, log_var })
        }

        /// The normalised product of normals and of `standard` standard normals: precisions add up, and the mean is
        /// weighted with them. Each normal is given by its head, as for [`Normal::from_head`], and by presences `[N]`.
        /// It drops out of rows in which one of these is 0. At least one factor must remain in every row. A head of one
        /// row is the same in all rows.
        ///
        /// # Errors
        /// No head, or shapes that differ.
        pub fn product(experts: &[Expert<'_>], standard: usize) -> Result<Self> {
            let mut sums: Option<(Tensor, Tensor)> = None;
            for (head, presences) in experts {
                let (mean, log_var) = ops::normal_halves(head, head.bound(1, LOG_VAR_BOUND))?;
                let mut precision = log_var.neg()?.exp()?;
                for present in *presences {
                    precision = partly::only(true, present, &precision)?;
                }
                let weighted = (&precision * mean)?;
                sums = Some(match sums {
                    Some((total, means)) => (total.broadcast_add(&precision)?, means.broadcast_add(&weighted)?),
                    None => (precision, weighted),
                });
            }
            let Some((precision, weighted)) = sums else { bail!("a product of no normals has no rows") };
            let precision = (precision + standard as f64)?;
            Ok(Self { mean: (weighted / &precision)?, log_var: precision.log()?.neg()? })
        }
    }

    impl Distribution for Normal {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            ops::normal_log_prob(value, &self.mean, &self.log_var)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let epsilon = noise.normal(name, self.mean.dims(), self.mean.dtype(), self.mean.device())?;
            let epsilon = if draw.temperature == 1.0 { epsilon } else { (epsilon * draw.temperature)? };
            ops::normal_draw(&self.mean, &self.log_var, &epsilon)
        }

        fn mode(&self) -> Result<Tensor> {
            Ok(self.mean.clone())
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            let (mean, log_var) = (ops::repeat(&self.mean, samples)?, ops::repeat(&self.log_var, samples)?);
            Ok(Box::new(Self { mean, log_var }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn normal_kl(q: &Normal, p: &Normal) -> Result<Tensor> {
        ops::normal_kl(&q.mean, &q.log_var, &p.mean, &p.log_var)
    }

    /// KL(q ‖ N(0, 1)), exact, `[N]` nats.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn standard_normal_kl(q: &Normal, p: &StandardNormal) -> Result<Tensor> {
        fits("a standard normal", &q.mean, p.shape())?;
        let zero = q.mean.zeros_like()?;
        ops::normal_kl(&q.mean, &q.log_var, &zero, &zero)
    }
}
