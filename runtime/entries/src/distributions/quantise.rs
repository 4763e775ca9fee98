//! The nearest code (van den Oord, Vinyals and Kavukcuoglu 2017).

distribution! {
    /// All mass on the codes nearest to what a network yields, one for each position of a map (of a vector: one in all); in q alone,
    /// over a latent whose prior is `codebook`. Its divergence is ln K a position, whatever the network does; its gradient is that
    /// of |sg(h) − e|² + commitment · |h − sg(e)|² of the network's output h and the codes e, with sg for no gradient.
    atomic quantise: Quantise(QuantiseConfig {
        /// how much the network is drawn to the codes, where the codes are drawn to it once
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

        /// The same among the codes of a codebook.
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

        /// Zeros for each row, with the gradient by which codes and points come to each other.
        fn pull(&self) -> Result<Tensor> {
            let nearest = self.nearest()?;
            let codes = sum_batch(&(self.point.detach() - &nearest)?.sqr()?)?;
            let points = sum_batch(&(&self.point - nearest.detach())?.sqr()?)?;
            let both = (codes + (points * self.commitment)?)?;
            &both - both.detach()
        }
    }

    impl Distribution for Quantise {
        /// 0 for the nearest codes, which are all that it draws.
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

    /// KL(q ‖ p), exact, `[N]` nats: all mass of q is on one of K values that p has alike.
    ///
    /// # Errors
    /// A codebook of other values.
    pub fn quantise_kl(q: &Quantise, p: &Codebook) -> Result<Tensor> {
        fits("a codebook", &q.point, p.shape())?;
        q.pull()? + p.nats()
    }
}
