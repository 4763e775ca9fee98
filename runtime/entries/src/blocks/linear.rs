//! An affine map.

use crate::prelude::*;

layer! {
    /// A weight-normalised affine map of a vector.
    linear: Linear(LinearConfig {
        /// channels of the output; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ out: 3 } over [5]],
}

fn shape(config: &LinearConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[_]] => bounded(vec![config.out]),
        _ => Err("needs an input of shape [features]; put `flatten` before it".to_owned()),
    }
}

fn cost(config: &LinearConfig, inputs: &[&[usize]]) -> Cost {
    conv(inputs.iter().map(|input| count(input) as u64).product(), config.out as u64, 1, 1)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::LinearConfig;
    use crate::tensors::{NormConv, Params, Result, Shape2d, Tensor};

    /// A weight-normalised affine map of a vector: a 1x1 convolution of one pixel.
    #[derive(Debug, Clone)]
    pub struct Linear {
        conv: NormConv,
        output: Vec<usize>,
    }

    impl Linear {
        /// # Errors
        /// An input that is not `[features]`.
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
            x.dims2()?;
            self.conv.forward_vector(x)
        }
    }
}
