//! Ordered classes.

use crate::prelude::*;

distribution! {
    /// One of n ordered classes, the proportional-odds model (McCullagh 1980): the class is the number of thresholds below a
    /// logistic variable. For a map, at each position. The head contains the location of the variable, then logarithms of
    /// the steps from each threshold to the next; those from a network are clamped to [−7, 7]. The first threshold is 0,
    /// because another one is the same as another location.
    discrete ordinal: Ordinal(OrdinalConfig {}),
    over: [Label],
    natural: [
        location: Real of |_, _| 1,
        log_steps: Real or steps: Positive by log of |_, classes| classes.saturating_sub(2),
    ],
    closed_forms: [],
    examples: [{} over [5], {} over [3, 2, 2]],
    fits: |_, shape| match shape.first() {
        Some(3..) => Ok(()),
        _ => Err(format!("is over three classes or more, not over shape {}", show_shape(shape))),
    },
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::distributions::categorical::Categorical;
    use crate::tensors::{Distribution, Draw, Head, LOG_VAR_BOUND, Noise, Result, Tensor, Through, bail, ops};

    /// One of n ordered classes, one-hot.
    #[derive(Debug, Clone)]
    pub struct Ordinal(Categorical);

    impl Ordinal {
        /// From a network's output `[N, n − 1]` or `[N, n − 1, …]`: locations, then logarithms of steps, clamped to [−7, 7].
        ///
        /// # Errors
        /// A head of fewer than two channels.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            let head = head.into();
            if head.rank() < 2 || head.dim(1)? < 2 {
                bail!(
                    "the location and the steps of ordered classes are [N, 2 or more, …], not of shape {:?}",
                    head.dims()
                )
            }
            let bound = head.bound(1, LOG_VAR_BOUND);
            let (location, count) = (head.narrow(1, 0, 1)?, head.dim(1)? - 1);
            let log_steps = head.narrow(1, 1, count)?.clamp(-bound, bound)?;
            // The distances from the location to the thresholds.
            let mut ends = vec![location.neg()?];
            for at in 0..count {
                ends.push((&ends[at] + log_steps.narrow(1, at, 1)?.exp()?)?);
            }
            let ends = Tensor::cat(&ends, 1)?;
            let (below, above) = (ops::softplus(&ends.neg()?)?.neg()?, ops::softplus(&ends)?.neg()?);
            // σ(a) − σ(b) = σ(a) σ(−b) (1 − exp(b − a)), where a − b is a step.
            let inner = (below.narrow(1, 1, count)? + above.narrow(1, 0, count)?)?;
            let inner = (inner + log_of_complement(&log_steps)?)?;
            let log_probs = Tensor::cat(&[&below.narrow(1, 0, 1)?, &inner, &above.narrow(1, count, 1)?], 1)?;
            Ok(Self(Categorical::from_head(&log_probs)?))
        }
    }

    /// ln(1 − exp(−s)) from ln s: with t = tanh(s / 2) it is ln(2t / (1 + t)), exact for small s too.
    fn log_of_complement(log: &Tensor) -> Result<Tensor> {
        let t = (log.exp()? * 0.5)?.tanh()?;
        ((&t * 2.0)? / (t + 1.0)?)?.log()
    }

    impl Distribution for Ordinal {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            self.0.log_prob(value)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            self.0.sample(name, noise, draw)
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            self.0.sample_through(name, noise, how)
        }

        fn mean(&self) -> Result<Tensor> {
            self.0.mean()
        }

        fn mode(&self) -> Result<Tensor> {
            self.0.mode()
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            self.0.repeat(samples)
        }
    }
}
