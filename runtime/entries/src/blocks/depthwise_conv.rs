//! A convolution channel by channel.

use crate::prelude::*;

layer! {
    /// A convolution with a separate kernel for every channel, padded so that height and width do not change.
    depthwise_conv: DepthwiseConv(DepthwiseConvConfig {
        /// height and width of the kernel, odd
        kernel: usize in 1..=31 = 3,
    }),
    examples: [{ kernel: 3 } over [3, 4, 2], { kernel: 5 } over [2, 3, 4]],
}

fn shape(config: &DepthwiseConvConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (channels, height, width) = planes(inputs)?;
    if config.kernel.is_multiple_of(2) {
        return Err(format!("needs an odd kernel, not {}", config.kernel));
    }
    Ok(vec![channels, height, width])
}

fn cost(config: &DepthwiseConvConfig, inputs: &[&[usize]]) -> Cost {
    let ((channels, positions), taps) = (known_planes(inputs), (config.kernel * config.kernel) as u64);
    let elements = channels.saturating_mul(positions);
    Cost {
        parameters: channels.saturating_mul(taps + 1),
        multiply_accumulates: elements.saturating_mul(taps),
        ..Cost::of_values(elements)
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::DepthwiseConvConfig;
    use crate::tensors::{Params, Result, Tensor, Var, ops};

    /// A kernel and a bias for each channel.
    #[derive(Debug, Clone)]
    pub struct DepthwiseConv {
        weight: Var,
        bias: Var,
        params: Params,
        output: Vec<usize>,
    }

    impl DepthwiseConv {
        /// Parameters: `weight`, `[channels, kernel, kernel]`, and `bias`.
        ///
        /// # Errors
        /// An input that is not `[channels, height, width]`, or an even kernel.
        pub fn new(params: &Params, input: &[usize], config: DepthwiseConvConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            let (channels, kernel) = (input[0], config.kernel);
            Ok(Self {
                weight: params.normal("weight", &[channels, kernel, kernel], 0.0, 1.0 / kernel as f64)?,
                bias: params.constant("bias", &[channels], 0.0)?,
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
            ops::depthwise_conv2d(x, &self.params.value(&self.weight), &self.params.value(&self.bias))
        }
    }
}
