//! Zeros and ones.

distribution! {
    /// Independent zeros and ones. The head contains logits.
    discrete bernoulli: Bernoulli(BernoulliConfig {}),
    over: [Binary],
    natural: [logits: Real or probs: Unit by logit],
    closed_forms: [bernoulli: bernoulli_kl],
    experts: [],
    examples: [{} over [1], {} over [2, 3, 2]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{Backend, Density, Distribution, Draw, Noise, Result, Special, Tensor, Through, density, ops, sum_of_present, through, Expert};

    /// Independent Bernoulli variables with the given logits.
    #[derive(Debug, Clone)]
    pub struct Bernoulli {
        logits: Tensor,
    }

    impl Bernoulli {
        /// From a network's output of the variable's shape.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: &Tensor) -> Result<Self> {
            Ok(Self { logits: head.clone() })
        }

        /// The normalised product of experts, whose logits add up. Each is given by its logits and by presences `[N]`. It drops
        /// out of rows in which one of these is 0. Zeros and ones are equally likely in rows without any. A head of one row is
        /// the same in all rows.
        ///
        /// # Errors
        /// No head, or shapes that differ.
        pub fn product(experts: &[Expert<'_>]) -> Result<Self> {
            Self::from_head(&sum_of_present(experts)?)
        }
    }

    impl Density<2> for Bernoulli {
        const NAME: &'static str = "bernoulli";
        const BOUNDS: [f64; 2] = [f64::INFINITY, f64::INFINITY];

        #[inline(always)]
        fn log_prob<S: Special>([x, logits]: [S; 2]) -> S {
            x * logits - logits.softplus()
        }

        #[inline(always)]
        fn slopes<S: Special>([x, logits]: [S; 2]) -> [S; 2] {
            [logits, x - logits.sigmoid()]
        }
    }

    impl Distribution for Bernoulli {
        /// x·l − softplus(l), summed.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            same_shape("a Bernoulli's value and its logits", value, &self.logits)?;
            match Backend::of(value) {
                Backend::Host => density::log_prob::<Self, 2>(value, &(&self.logits).into()),
                // There is no kernel for GPUs, and a density would be computed on the CPU.
                Backend::Cuda | Backend::Candle => {
                    let softplus = ops::softplus(&self.logits)?;
                    sum_batch(&((value * &self.logits)? - softplus)?)
                }
            }
        }

        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            let uniform = noise.uniform(name, self.logits.dims(), self.logits.dtype(), self.logits.device())?;
            uniform.lt(&self.mean()?)?.to_dtype(self.logits.dtype())
        }

        /// The probabilities of 1.
        fn mean(&self) -> Result<Tensor> {
            (self.logits.neg()?.exp()? + 1.0)?.recip()
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            let uniform = noise.uniform(name, self.logits.dims(), self.logits.dtype(), self.logits.device())?;
            through::binary(&self.logits, &uniform, how)
        }

        fn mode(&self) -> Result<Tensor> {
            self.logits.gt(0.0)?.to_dtype(self.logits.dtype())
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { logits: ops::repeat(&self.logits, samples)? }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats: with π the probability under q, π (l_q − l_p) − softplus(l_q) + softplus(l_p), summed.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn bernoulli_kl(q: &Bernoulli, p: &Bernoulli) -> Result<Tensor> {
        same_shape("the logits of two Bernoulli variables", &q.logits, &p.logits)?;
        let expected = (q.mean()? * (&q.logits - &p.logits)?)?;
        sum_batch(&((expected - ops::softplus(&q.logits)?)? + ops::softplus(&p.logits)?)?)
    }
}
