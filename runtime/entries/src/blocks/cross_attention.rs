//! Attention of queries to the members of a set (Vaswani et al. 2017).

use crate::prelude::*;

layer! {
    /// Attention of queries to the members of a set, or to the positions of a map, in several heads:
    /// `cross_attention(queries, keys, values)`. The output for each query is a mean of the values, weighted with
    /// softmax(query · key / √d). Queries, keys, values and the output are affine maps, with as many channels as the
    /// values have. A single query is a vector, and so is its output.
    three cross_attention: CrossAttention(CrossAttentionConfig {
        /// heads, among which the channels of the values are divided
        heads: usize in 1..=1024 = 1,
    }),
    examples: [{ heads: 1 } over [3] [2, 4] [2, 4], { heads: 2 } over [3, 2] [2, 3] [4, 3], { heads: 1 } over [2, 1, 2] [3, 2, 2] [2, 2, 2]],
}

fn shape(config: &CrossAttentionConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let heads = config.heads;
    match inputs {
        [[_, queries @ ..], [_, keys @ ..], [channels, values @ ..]] if keys == values => {
            if heads == 0 || !channels.is_multiple_of(heads) {
                return Err(format!("needs channels of the values that {heads} heads divide"));
            }
            bounded(std::iter::once(*channels).chain(queries.iter().copied()).collect())
        }
        _ => {
            Err("needs queries, keys and values, with a value for each key: sets [features, members] or maps"
                .to_owned())
        }
    }
}

fn cost(_: &CrossAttentionConfig, inputs: &[&[usize]]) -> Cost {
    let [[of_query, queries @ ..], [of_key, keys @ ..], [channels, ..]] = inputs else { return Cost::default() };
    let [of_query, of_key, channels] = [of_query, of_key, channels].map(|size| *size as u64);
    let (queries, keys) = (count(queries) as u64, count(keys) as u64);
    let weights = queries.saturating_mul(keys).saturating_mul(channels).saturating_mul(2);
    let mixing = Cost { multiply_accumulates: weights, ..Cost::of_values(channels.saturating_mul(queries)) };
    conv(of_query, channels, 1, queries)
        + conv(of_key, channels, 1, keys)
        + conv(channels, channels, 1, keys)
        + mixing
        + conv(channels, channels, 1, queries)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::CrossAttentionConfig;
    use crate::tensors::{NormConv, Params, Result, Shape2d, Tensor, ops};

    /// Affine maps to the queries, keys and values of all heads, softmax(q · k / √d) · v, and an affine map of the
    /// concatenated heads.
    #[derive(Debug, Clone)]
    pub struct CrossAttention {
        query: NormConv,
        key: NormConv,
        value: NormConv,
        mix: NormConv,
        heads: usize,
        output: Vec<usize>,
    }

    impl CrossAttention {
        /// Parameters: `query`, `key`, `value`, `mix`.
        ///
        /// # Errors
        /// Keys and values of different positions, or channels of the values that the heads do not divide.
        pub fn new(
            params: &Params,
            queries: &[usize],
            keys: &[usize],
            values: &[usize],
            config: CrossAttentionConfig,
        ) -> Result<Self> {
            let output = config.output(&[queries, keys, values])?;
            let map = |name: &str, channels: usize| {
                NormConv::new(&params.at(name), channels, values[0], 1, Shape2d::Stride(1))
            };
            Ok(Self {
                query: map("query", queries[0])?,
                key: map("key", keys[0])?,
                value: map("value", values[0])?,
                mix: map("mix", values[0])?,
                heads: config.heads,
                output,
            })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// Inputs that do not fit.
        pub fn forward(&self, queries: &Tensor, keys: &Tensor, values: &Tensor) -> Result<Tensor> {
            let batch = queries.dim(0)?;
            let flat = |x: &Tensor| x.reshape((batch, x.dim(1)?, (), 1));
            let head = self.output[0] / self.heads;
            // [records · heads, positions, features of a head]
            let part = |map: &NormConv, x: &Tensor| {
                map.forward(&flat(x)?)?.reshape((batch * self.heads, head, ()))?.transpose(1, 2)?.contiguous()
            };
            let (q, k, v) = (part(&self.query, queries)?, part(&self.key, keys)?, part(&self.value, values)?);
            let mixed = ops::attend(&q, &k, &v)?.transpose(1, 2)?.contiguous()?;
            let mixed = self.mix.forward(&mixed.reshape((batch, self.output[0], (), 1))?)?;
            mixed.reshape([&[batch], self.output.as_slice()].concat())
        }
    }
}
