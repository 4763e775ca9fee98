//! Layer normalisation (Ba et al. 2016).

use crate::prelude::*;

layer! {
    /// Normalises the channels at every position (of a vector: its elements) to mean 0 and variance 1, then applies a
    /// learned gain and bias for each channel. Over a whole map it is `group_norm(groups: 1)`.
    layer_norm: LayerNorm(LayerNormConfig {}),
    causal: |_| true,
    examples: [{} over [5], {} over [3, 2, 2]],
}

fn shape(_: &LayerNormConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let shape = same(inputs)?;
    if shape.first().is_none_or(|channels| *channels < 2) {
        return Err("needs at least two channels: a single one would always be 0".to_owned());
    }
    Ok(shape)
}

fn cost(_: &LayerNormConfig, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    Cost::held(2 * shape.first().copied().unwrap_or(0) as u64) + Cost::of_values(count(shape) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::LayerNormConfig;
    use crate::tensors::{Params, Result, Tensor, Var, ops};

    /// Added to the variance.
    const LEAST_VARIANCE: f64 = 1e-5;

    /// (x − mean) / deviation over the channels, times a gain, plus a bias.
    #[derive(Debug, Clone)]
    pub struct LayerNorm {
        gain: Var,
        bias: Var,
        params: Params,
        output: Vec<usize>,
    }

    impl LayerNorm {
        /// Parameters: `gain` and `bias`, one for each channel.
        ///
        /// # Errors
        /// A single channel.
        pub fn new(params: &Params, input: &[usize], config: LayerNormConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            Ok(Self {
                gain: params.constant("gain", &[input[0]], 1.0)?,
                bias: params.constant("bias", &[input[0]], 0.0)?,
                params: params.clone(),
                output,
            })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// An input that does not fit.
        pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
            let (gain, bias) = (self.params.value(&self.gain), self.params.value(&self.bias));
            ops::normalise_channels(x, &gain, &bias, LEAST_VARIANCE)
        }
    }
}
