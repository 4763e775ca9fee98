//! A mixture of normals with learned means and variances.

use crate::prelude::*;

distribution! {
    /// Diagonal normals of equal weight with learned means and variances.
    continuous mixture_of_normals: MixtureOfNormals(MixtureOfNormalsConfig {
        /// components of the mixture
        components: usize in 1..=1000 = 10,
    }),
    over: [Real],
    natural: [],
    closed_forms: [],
    examples: [{ components: 4 } over [1], { components: 3 } over [2, 3, 1]],
    count: |config, shape| (count(shape) as u64).saturating_mul(2).saturating_mul(config.components as u64),
}
