//! Self-attention over positions (Vaswani et al. 2017).

use crate::prelude::*;

layer! {
    /// Self-attention in several heads: the output at every position is a mean of the values at all positions, weighted
    /// with softmax(query · key / √d). Queries, keys, values and the output are affine maps of the channels. A residual
    /// block with attention is `h + (h |> group_norm |> attention(heads: 4))`.
    attention: Attention(AttentionConfig {
        /// heads, among which the channels are divided
        heads: usize in 1..=1024 = 1,
    }),
    examples: [{ heads: 1 } over [2, 3, 2], { heads: 2 } over [4, 2, 2]],
}

fn shape(config: &AttentionConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (shape, heads) = (same(inputs)?, config.heads);
    match shape.as_slice() {
        [channels, _, ..] if heads > 0 && channels.is_multiple_of(heads) => Ok(shape),
        [_, _, ..] => Err(format!("needs channels that {heads} heads divide")),
        _ => Err("needs channels and positions: a map, or [channels, positions]".to_owned()),
    }
}

fn cost(_: &AttentionConfig, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    let (channels, positions) =
        (shape.first().copied().unwrap_or(0) as u64, count(shape.get(1..).unwrap_or_default()) as u64);
    let weights = positions.saturating_mul(positions).saturating_mul(channels).saturating_mul(2);
    let mixing = Cost { multiply_accumulates: weights, ..Cost::of_values(channels.saturating_mul(positions)) };
    conv(channels, channels.saturating_mul(3), 1, positions) + mixing + conv(channels, channels, 1, positions)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::AttentionConfig;
    use crate::tensors::{NormConv, Params, Result, Shape2d, Tensor, ops};

    /// One affine map for the queries, keys and values of all heads, softmax(q · k / √d) · v, and an affine map of the
    /// concatenated heads.
    #[derive(Debug, Clone)]
    pub struct Attention {
        project: NormConv,
        mix: NormConv,
        heads: usize,
        output: Vec<usize>,
    }

    impl Attention {
        /// Parameters: `project` (queries, keys, values), `mix`.
        ///
        /// # Errors
        /// Channels that the heads do not divide.
        pub fn new(params: &Params, input: &[usize], config: AttentionConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            let channels = input[0];
            Ok(Self {
                project: NormConv::new(&params.at("project"), channels, 3 * channels, 1, Shape2d::Stride(1))?,
                mix: NormConv::new(&params.at("mix"), channels, channels, 1, Shape2d::Stride(1))?,
                heads: config.heads,
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
            let (batch, channels) = (x.dim(0)?, x.dim(1)?);
            let flat = x.reshape((batch, channels, (), 1))?;
            let positions = flat.dim(2)?;
            let projected = self.project.forward(&flat)?.reshape((batch, 3 * channels, positions))?;
            let mixed = ops::attend_maps(&projected, self.heads)?.unsqueeze(3)?;
            self.mix.forward(&mixed)?.reshape(x.dims())
        }
    }
}
