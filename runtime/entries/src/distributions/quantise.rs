//! The nearest code (van den Oord, Vinyals and Kavukcuoglu 2017).

distribution! {
    /// A point mass on the codes nearest to a network's output, one for each position of a map (for a vector: one in
    /// total). It is allowed only in q, for a latent whose prior is `codebook`. Its divergence is ln K per position,
    /// whatever the network outputs. The gradient of the divergence is that of |sg(h) − e|² + commitment · |h −
    /// sg(e)|², where h is the network's output, e are the codes, and sg stops the gradient.
    atomic quantise: Quantise(QuantiseConfig {
        /// weight of the commitment loss, relative to the codebook loss
        commitment: f64 in 0.0..=1e6 = 0.25,
    }),
    over: [Real],
    natural: [point: Real],
    closed_forms: [codebook: quantise_kl],
    examples: [{ commitment: 0.25 } over [2], { commitment: 0.5 } over [2, 3, 2]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::distributions::codebook::Codebook;
    use crate::tensors::ops::{self, sum_batch};
    use crate::tensors::{Distribution, Draw, Noise, Result, Tensor, Through, bail, fits};

    /// The codes nearest to points.
    #[derive(Debug, Clone)]
    pub struct Quantise {
        /// `[N, channels, …]`
        point: Tensor,
        commitment: f64,
        codebook: Option<Codebook>,
    }

    impl Quantise {
        /// From a network's output: a point for each position.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: &Tensor, commitment: f64) -> Result<Self> {
            Ok(Self { point: head.clone(), commitment, codebook: None })
        }

        /// The distribution over the codes of a codebook.
        #[must_use]
        pub fn of(self, codebook: &Codebook) -> Self {
            Self { codebook: Some(codebook.clone()), ..self }
        }

        fn codebook(&self) -> Result<&Codebook> {
            match &self.codebook {
                Some(codebook) => Ok(codebook),
                None => bail!("`quantise` was not given its codebook"),
            }
        }

        fn nearest(&self) -> Result<Tensor> {
            let codebook = self.codebook()?;
            codebook.at(&codebook.nearest(&self.point)?)
        }

        /// Zeros for each row, with the gradient of the codebook and commitment losses.
        fn pull(&self) -> Result<Tensor> {
            let nearest = self.nearest()?;
            let codes = sum_batch(&(self.point.detach() - &nearest)?.sqr()?)?;
            let points = sum_batch(&(&self.point - nearest.detach())?.sqr()?)?;
            let both = (codes + (points * self.commitment)?)?;
            &both - both.detach()
        }
    }

    impl Distribution for Quantise {
        /// 0 for the nearest codes, which have probability 1.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            fits("a quantised value", value, self.codebook()?.shape())?;
            ops::same_shape("a quantised value and its point", value, &self.point)?;
            self.pull()
        }

        fn sample(&self, _: &str, _: &mut Noise, _: &Draw) -> Result<Tensor> {
            self.codebook()?.begin_at(&self.point)?;
            Ok(self.nearest()?.detach())
        }

        /// The codes, with the gradient of the points.
        fn sample_through(&self, name: &str, _: &mut Noise, how: Through) -> Result<Tensor> {
            match how {
                Through::Straight => &self.point + (self.nearest()? - &self.point)?.detach(),
                Through::Relaxed(_) => bail!("the codes of `{name}` have no relaxation"),
            }
        }

        fn mode(&self) -> Result<Tensor> {
            self.nearest()
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { point: ops::repeat(&self.point, samples)?, ..self.clone() }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats: ln K per position, because q has its mass on one of K values with equal
    /// probability in p.
    ///
    /// # Errors
    /// A codebook of other values.
    pub fn quantise_kl(q: &Quantise, p: &Codebook) -> Result<Tensor> {
        fits("a codebook", &q.point, p.shape())?;
        q.pull()? + p.nats()
    }
}
