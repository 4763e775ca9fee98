//! A convolution.

use crate::prelude::*;

layer! {
    /// A weight-normalised convolution, padded so that stride 1 keeps height and width. With several groups, each group of
    /// output channels reads only its own group of input channels.
    conv: Conv(ConvConfig {
        /// height and width of the kernel, odd
        kernel: usize in 1..=31 = 3,
        /// step between positions
        stride: usize in 1..=16 = 1,
        /// channels of the output; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
        /// number of groups of channels
        groups: usize in 1..=LARGEST_SIZE = 1,
    }),
    causal: |config| config.kernel == 1 && config.stride == 1,
    examples: [
        { kernel: 3, stride: 1, out: 2, groups: 1 } over [3, 5, 4],
        { kernel: 5, stride: 1, out: 2, groups: 1 } over [1, 4, 5],
        { kernel: 3, stride: 2, out: 3, groups: 1 } over [2, 5, 4],
        { kernel: 1, stride: 1, out: 4, groups: 1 } over [3, 3, 2],
        { kernel: 3, stride: 1, out: 6, groups: 2 } over [4, 3, 2],
    ],
}

fn shape(config: &ConvConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (channels, height, width) = planes(inputs)?;
    let (stride, groups) = (config.stride.max(1), config.groups.max(1));
    if config.kernel.is_multiple_of(2) {
        return Err(format!("needs an odd kernel, not {}", config.kernel));
    }
    if !channels.is_multiple_of(groups) || !config.out.is_multiple_of(groups) {
        return Err(format!("needs multiples of {groups} channels, not {channels} in and {} out", config.out));
    }
    bounded(vec![config.out, height.div_ceil(stride), width.div_ceil(stride)])
}

fn cost(config: &ConvConfig, inputs: &[&[usize]]) -> Cost {
    let positions = shape(config, inputs).map_or(0, |shape| (shape[1] * shape[2]) as u64);
    let (channels, from) = known_planes(inputs);
    resizing(channels / config.groups.max(1) as u64, config.out as u64, config.kernel as u64, [from, positions])
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::ConvConfig;
    use crate::tensors::{NormConv, Params, Result, Tensor};

    /// A weight-normalised convolution, padded so that stride 1 keeps height and width.
    #[derive(Debug, Clone)]
    pub struct Conv {
        conv: NormConv,
        output: Vec<usize>,
    }

    impl Conv {
        /// # Errors
        /// An input that is not `[channels, height, width]`.
        pub fn new(params: &Params, input: &[usize], config: ConvConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            let ConvConfig { kernel, stride, out, groups } = config;
            Ok(Self { conv: NormConv::grouped(params, [input[0], out], kernel, stride, groups)?, output })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// An input that does not fit.
        pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
            self.conv.forward(x)
        }
    }
}
