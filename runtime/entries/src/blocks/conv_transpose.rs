//! A transposed convolution.

use crate::prelude::*;

layer! {
    /// A weight-normalised transposed convolution with stride 2: doubles height and width.
    conv_transpose: ConvTranspose(ConvTransposeConfig {
        /// height and width of the kernel, odd
        kernel: usize in 1..=31 = 3,
        /// channels of the output; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ kernel: 3, out: 2 } over [3, 2, 3], { kernel: 5, out: 1 } over [2, 3, 3]],
}

fn shape(config: &ConvTransposeConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (_, height, width) = planes(inputs)?;
    if config.kernel.is_multiple_of(2) {
        return Err(format!("needs an odd kernel, not {}", config.kernel));
    }
    bounded(vec![config.out, height.saturating_mul(2), width.saturating_mul(2)])
}

fn cost(config: &ConvTransposeConfig, inputs: &[&[usize]]) -> Cost {
    let (channels, positions) = known_planes(inputs);
    resizing(channels, config.out as u64, config.kernel as u64, [positions, positions.saturating_mul(4)])
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::ConvTransposeConfig;
    use crate::tensors::{NormConv, Params, Result, Shape2d, Tensor};

    /// A weight-normalised transposed convolution that doubles height and width.
    #[derive(Debug, Clone)]
    pub struct ConvTranspose {
        conv: NormConv,
        output: Vec<usize>,
    }

    impl ConvTranspose {
        /// # Errors
        /// An input that is not `[channels, height, width]`, or an even kernel.
        pub fn new(params: &Params, input: &[usize], config: ConvTransposeConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            Ok(Self { conv: NormConv::new(params, input[0], config.out, config.kernel, Shape2d::Double)?, output })
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
