//! The discretised logistic mixture over images (PixelCNN++, Salimans et al. 2017).

use crate::prelude::*;

distribution! {
    /// A mixture of logistics, discretised to the grid k/255. With three channels, each channel depends on those before
    /// it. The head contains 10 values per component and pixel for three channels, and 3 for one channel.
    discrete logistic_mixture: LogisticMixture(LogisticMixtureConfig {
        /// components of the mixture
        components: usize in 1..=1000 = 10,
    }),
    over: [Image],
    natural: [
        logits: Real of |config, _| config.components,
        means: Real of |config, channels| config.components.saturating_mul(channels),
        log_scales: Real of |config, channels| config.components.saturating_mul(channels),
        coefficients: Real of |config, channels| {
            config.components.saturating_mul(channels * channels.saturating_sub(1) / 2)
        },
    ],
    closed_forms: [],
    examples: [{ components: 3 } over [1, 1, 1], { components: 3 } over [3, 3, 2]],
    fits: |_, shape| match shape.first() {
        Some(1 | 3) => Ok(()),
        _ => Err(format!("needs an image of one or three channels, not of shape {}", show_shape(shape))),
    },
    // If a bin has less than 1e-5 of the mass, the density at its centre is used, with an error of (width/scale)²/24 <
    // 0.2 %. Over 256 bins that is less than 5e-6.
    error: 5e-6,
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Distribution, Draw, Noise, Result, Tensor, Through, bail, ops, through};

    /// A mixture of logistics on the k/255 grid. Within a pixel, green depends on red, and blue on both.
    #[derive(Debug, Clone)]
    pub struct LogisticMixture {
        logits: Tensor,
        components: usize,
        channels: usize,
    }

    impl LogisticMixture {
        /// From a network's output, `[N, K·(1 + 2C + C(C−1)/2), H, W]`: 10 values per component for three channels, 3
        /// for one.
        ///
        /// # Errors
        /// A number of channels that fits neither.
        pub fn from_head(head: &Tensor, components: usize) -> Result<Self> {
            let groups = head.dim(1)?;
            let needed = [1, 3].map(|channels| Self::channels(&[channels, 1, 1], components));
            match [1, 3].into_iter().zip(needed).find(|(_, needed)| *needed == groups) {
                Some((channels, _)) => Ok(Self { logits: head.clone(), components, channels }),
                None => {
                    let [grey, coloured] = needed;
                    bail!("{components} logistic components need {grey} or {coloured} channels, not {groups}")
                }
            }
        }

        /// The parameters of every component, as output by the network.
        pub fn logits(&self) -> &Tensor {
            &self.logits
        }

        /// The noise of a draw: for the choice of the components, and for the values around their means.
        fn uniforms(&self, name: &str, noise: &mut Noise) -> Result<[Tensor; 2]> {
            let (n, _, height, width) = self.logits.dims4()?;
            let mut draw = |channels| {
                noise.uniform(name, &[n, channels, height, width], self.logits.dtype(), self.logits.device())
            };
            Ok([draw(self.components)?, draw(self.channels)?])
        }

        /// A draw from the likeliest component, with uniform draws `[N, C, H, W]`.
        ///
        /// # Errors
        /// A failed tensor operation.
        pub fn sample_likeliest(&self, uniform: &Tensor) -> Result<Tensor> {
            ops::logistic_mixture_value(&self.logits, self.components, None, Some(uniform))
        }
    }

    impl Distribution for LogisticMixture {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            ops::logistic_mixture_log_prob(value, &self.logits, self.components)
        }

        /// A draw of the component, then of its value, which is in [0, 1] on the k/255 grid.
        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            let [pick, spread] = self.uniforms(name, noise)?;
            let value = ops::logistic_mixture_value(&self.logits, self.components, Some(&pick), Some(&spread))?;
            ops::transform::quantise(&value)
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            let [pick, spread] = self.uniforms(name, noise)?;
            through::pixels(&self.logits, self.components, &pick, &spread, how)
        }

        /// The mean of the likeliest component, channel by channel; not rounded to the grid.
        fn mode(&self) -> Result<Tensor> {
            ops::logistic_mixture_value(&self.logits, self.components, None, None)
        }

        fn mean(&self) -> Result<Tensor> {
            ops::logistic_mixture_mean(&self.logits, self.components)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { logits: ops::repeat(&self.logits, samples)?, ..*self }))
        }
    }
}
