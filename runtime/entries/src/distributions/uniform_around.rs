//! Uniform variables around a mean.

distribution! {
    /// Independent variables, uniform over an interval of a given width around a mean: additive uniform noise, which stands
    /// for rounding while a compression model is trained (Ballé et al. 2018). The head contains means.
    continuous uniform_around: UniformAround(UniformAroundConfig {
        /// length of the interval
        width: f64 in 1e-6..=1e6 = 1.0,
    }),
    over: [Real],
    natural: [mean: Real],
    closed_forms: [],
    examples: [{ width: 1.0 } over [1], { width: 0.5 } over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::ops::{repeat, same_shape, sum_batch};
    use crate::tensors::{Distribution, Draw, Head, Noise, Result, Tensor, inside};

    /// Uniform on [mean − width / 2, mean + width / 2] in every dimension.
    #[derive(Debug, Clone)]
    pub struct UniformAround {
        /// `[N, …]`
        mean: Tensor,
        width: f64,
    }

    impl UniformAround {
        /// From a network's output: means.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>, width: f64) -> Result<Self> {
            Ok(Self { mean: Tensor::clone(&head.into()), width })
        }
    }

    impl Distribution for UniformAround {
        /// −ln width, summed; −∞ outside of the interval. A draw may lie outside by a rounding error of the mean, so the ends
        /// are wider by a thousandth.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            same_shape("a uniform variable's value and its mean", value, &self.mean)?;
            let far = (value.detach() - self.mean.detach())?.abs()?;
            let outside = far.gt(self.width * 0.5005)?;
            // A distance that is no number is neither inside nor outside.
            let inside = (&far * 0.0)? - self.width.ln();
            sum_batch(&outside.where_cond(&far.zeros_like()?.affine(1.0, f64::NEG_INFINITY)?, &inside?)?)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let uniform = noise.uniform(name, self.mean.dims(), self.mean.dtype(), self.mean.device())?;
            let width = self.width * draw.temperature.min(1.0);
            &self.mean + inside(&uniform)?.affine(width, -0.5 * width)?
        }

        /// The middle; all values are equally likely.
        fn mode(&self) -> Result<Tensor> {
            Ok(self.mean.clone())
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { mean: repeat(&self.mean, samples)?, width: self.width }))
        }
    }
}
