//! One of n classes.

distribution! {
    /// One of n classes, for a map at each position. The head contains logits.
    discrete categorical: Categorical(CategoricalConfig {}),
    over: [Label],
    natural: [logits: Real or probs: Simplex by log],
    closed_forms: [categorical: categorical_kl],
    experts: [],
    examples: [{} over [5], {} over [3, 2, 2]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{Distribution, Draw, Noise, Result, Tensor, Through, bail, ops, sum_of_present, through, Expert};

    /// One of n classes, one-hot, with the given logits `[N, n]`; one for each position of logits `[N, n, …]`.
    #[derive(Debug, Clone)]
    pub struct Categorical {
        logits: Tensor,
    }

    impl Categorical {
        /// From a network's output `[N, n]` or `[N, n, …]`.
        ///
        /// # Errors
        /// A head without classes.
        pub fn from_head(head: &Tensor) -> Result<Self> {
            if head.rank() < 2 {
                bail!("the logits of classes are [N, n, …], not of shape {:?}", head.dims())
            }
            Ok(Self { logits: head.clone() })
        }

        /// The normalised product of experts, whose logits add up. Each is given by its head, as for
        /// [`Categorical::from_head`], and by presences `[N]`. It drops out of rows in which one of these is 0. The classes are
        /// equally likely in rows without any. A head of one row is the same in all rows.
        ///
        /// # Errors
        /// No head, or shapes that differ.
        pub fn product(experts: &[Expert<'_>]) -> Result<Self> {
            Self::from_head(&sum_of_present(experts)?)
        }

        /// Log-probabilities of the classes.
        fn log_probs(&self) -> Result<Tensor> {
            let top = self.logits.max_keepdim(1)?.detach();
            let shifted = self.logits.broadcast_sub(&top)?;
            let normaliser = shifted.exp()?.sum_keepdim(1)?.log()?;
            shifted.broadcast_sub(&normaliser)
        }

        fn one_hot(&self, scores: &Tensor) -> Result<Tensor> {
            let mut along = vec![1; scores.rank()];
            along[1] = scores.dim(1)?;
            let picked = scores.argmax_keepdim(1)?;
            let all = Tensor::arange(0u32, along[1] as u32, scores.device())?.reshape(along)?;
            picked.broadcast_eq(&all)?.to_dtype(self.logits.dtype())
        }
    }

    impl Distribution for Categorical {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            same_shape("a categorical's value and its logits", value, &self.logits)?;
            sum_batch(&(value * self.log_probs()?)?)
        }

        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            let uniform = noise.uniform(name, self.logits.dims(), self.logits.dtype(), self.logits.device())?;
            let gumbel = uniform.clamp(1e-7, 1.0 - 1e-7)?.log()?.neg()?.log()?.neg()?;
            self.one_hot(&(&self.logits + gumbel)?)
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            let uniform = noise.uniform(name, self.logits.dims(), self.logits.dtype(), self.logits.device())?;
            through::one_of(&self.logits, &uniform, how)
        }

        /// The probabilities of the classes.
        fn mean(&self) -> Result<Tensor> {
            let weights = self.logits.broadcast_sub(&self.logits.max_keepdim(1)?)?.exp()?;
            weights.broadcast_div(&weights.sum_keepdim(1)?)
        }

        fn mode(&self) -> Result<Tensor> {
            self.one_hot(&self.logits)
        }

        /// Of a single variable, not of a map.
        fn class_log_probs(&self) -> Result<Option<Tensor>> {
            if self.logits.rank() == 2 { self.log_probs().map(Some) } else { Ok(None) }
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { logits: ops::repeat(&self.logits, samples)? }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn categorical_kl(q: &Categorical, p: &Categorical) -> Result<Tensor> {
        same_shape("the logits of two categorical variables", &q.logits, &p.logits)?;
        let log_q = q.log_probs()?;
        sum_batch(&(log_q.exp()? * (&log_q - p.log_probs()?)?)?)
    }
}
