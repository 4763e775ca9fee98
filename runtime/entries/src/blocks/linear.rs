//! An affine map.

use crate::prelude::*;

layer! {
    /// A weight-normalised affine map of a vector, or of each member of a set.
    linear: Linear(LinearConfig {
        /// channels of the output; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ out: 3 } over [5], { out: 3 } over [5, 2]],
}

fn shape(config: &LinearConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[_]] => bounded(vec![config.out]),
        [[_, members]] => bounded(vec![config.out, *members]),
        _ => Err("needs an input of shape [features]; put `flatten` before it, or use `conv(kernel: 1)` for every position of a map".to_owned()),
    }
}

fn cost(config: &LinearConfig, inputs: &[&[usize]]) -> Cost {
    let [[features, members @ ..]] = inputs else { return Cost::default() };
    conv(*features as u64, config.out as u64, 1, count(members) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::LinearConfig;
    use crate::tensors::{NormConv, Params, Result, Shape2d, Tensor};

    /// A weight-normalised affine map: a 1x1 convolution of one pixel for each member.
    #[derive(Debug, Clone)]
    pub struct Linear {
        conv: NormConv,
        output: Vec<usize>,
    }

    impl Linear {
        /// # Errors
        /// An input that is neither `[features]` nor `[features, members]`.
        pub fn new(params: &Params, input: &[usize], config: LinearConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            Ok(Self { conv: NormConv::new(params, input[0], config.out, 1, Shape2d::Stride(1))?, output })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// An input that does not fit.
        pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
            match x.rank() {
                2 => self.conv.forward_vector(x),
                _ => self.conv.forward(&x.unsqueeze(3)?)?.squeeze(3),
            }
        }
    }
}
