//! Learned vectors for labels.

use crate::prelude::*;

layer! {
    /// A learned vector for each class of a label (for a map of labels, at each position). A value between labels gets
    /// the weighted mean of their vectors.
    embedding: Embedding(EmbeddingConfig {
        /// features of each vector; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ out: 3 } over [5], { out: 2 } over [3, 2, 2]],
}

fn shape(config: &EmbeddingConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let mut shape = same(inputs)?;
    match shape.first_mut() {
        Some(classes) => *classes = config.out,
        None => return Err("needs a label".to_owned()),
    }
    bounded(shape)
}

fn cost(config: &EmbeddingConfig, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    let (classes, positions) = (shape.first().copied().unwrap_or(0) as u64, count(shape.get(1..).unwrap_or_default()));
    let all = plain(classes, config.out as u64, positions as u64);
    Cost { parameters: classes.saturating_mul(config.out as u64), ..all }
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::EmbeddingConfig;
    use crate::tensors::{Params, Result, Tensor, Var};

    /// Labels are one-hot, so a vector is selected by a matrix product.
    #[derive(Debug, Clone)]
    pub struct Embedding {
        vectors: Var,
        params: Params,
        output: Vec<usize>,
    }

    impl Embedding {
        /// Parameters: `vectors`, `[classes, out]`.
        ///
        /// # Errors
        /// Too many features.
        pub fn new(params: &Params, input: &[usize], config: EmbeddingConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            Ok(Self {
                vectors: params.normal("vectors", &[input[0], config.out], 0.0, 1.0)?,
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
            let vectors = self.params.value(&self.vectors);
            if x.rank() == 2 {
                return x.matmul(&vectors);
            }
            let labels = x.reshape((x.dim(0)?, x.dim(1)?, ()))?.transpose(1, 2)?.contiguous()?;
            let (batch, positions, classes) = labels.dims3()?;
            let picked = labels.reshape((batch * positions, classes))?.matmul(&vectors)?;
            let picked = picked.reshape((batch, positions, self.output[0]))?.transpose(1, 2)?.contiguous()?;
            let mut shape = x.dims().to_vec();
            shape[1] = self.output[0];
            picked.reshape(shape)
        }
    }
}
