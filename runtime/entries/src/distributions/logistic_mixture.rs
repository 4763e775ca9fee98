//! The discretised logistic mixture over images (PixelCNN++, Salimans et al. 2017).

use crate::prelude::*;

distribution! {
    /// A mixture of logistics, discretised to the grid k/255; of three channels each depends on those before it. The head
    /// holds 10 values for each component and pixel of three channels, 3 of one channel.
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
    // Where a bin has less than 1e-5 of mass, the density at its middle stands for it, off by (width/scale)²/24 < 0.2 %:
    // over 256 bins that is less than 5e-6.
    error: 5e-6,
}
