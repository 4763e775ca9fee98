//! Group normalisation (Wu and He 2018).

use crate::prelude::*;

layer! {
    /// Normalises each group of channels to mean 0 and variance 1 per record, then applies a learned gain and bias for
    /// each channel.
    group_norm: GroupNorm(GroupNormConfig {
        /// number of groups of channels
        groups: usize in 1..=LARGEST_SIZE = 8,
    }),
    examples: [{ groups: 2 } over [4, 3, 2], { groups: 1 } over [3, 2, 2], { groups: 3 } over [6]],
}

fn shape(config: &GroupNormConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (shape, groups) = (same(inputs)?, config.groups);
    match shape.first() {
        Some(channels) if groups > 0 && channels.is_multiple_of(groups) => Ok(shape),
        _ => Err(format!("needs channels that {groups} groups divide")),
    }
}

fn cost(_: &GroupNormConfig, inputs: &[&[usize]]) -> Cost {
    let (elements, channels) =
        (inputs.iter().map(|input| count(input) as u64).sum(), inputs.iter().map(|input| input[0]));
    Cost::held(2 * channels.sum::<usize>() as u64) + Cost::of_values(elements)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::GroupNormConfig;
    use crate::tensors::{Params, Result, Tensor, Var, ops};

    /// Added to the variance.
    const LEAST_VARIANCE: f64 = 1e-5;

    /// (x − mean) / deviation over each group, times a gain, plus a bias.
    #[derive(Debug, Clone)]
    pub struct GroupNorm {
        gain: Var,
        bias: Var,
        groups: usize,
        params: Params,
        output: Vec<usize>,
    }

    impl GroupNorm {
        /// Parameters: `gain` and `bias`, one for each channel.
        ///
        /// # Errors
        /// Channels that the groups do not divide.
        pub fn new(params: &Params, input: &[usize], config: GroupNormConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            Ok(Self {
                gain: params.constant("gain", &[input[0]], 1.0)?,
                bias: params.constant("bias", &[input[0]], 0.0)?,
                groups: config.groups,
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
            ops::normalise_groups(x, &gain, &bias, self.groups, LEAST_VARIANCE)
        }
    }
}
