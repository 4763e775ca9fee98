//! The residual block of the very deep VAE (Child 2021).

use crate::prelude::*;

layer! {
    /// The input plus four convolutions of it, 1x1, 3x3, 3x3 and 1x1, with GELU before each. For maps of at most 2x2
    /// pixels all four are 1x1.
    bottleneck: Bottleneck(BottleneckConfig {
        /// channels between the convolutions
        width: usize in 1..=LARGEST_SIZE = 64,
    }),
    examples: [{ width: 2 } over [3, 3, 4], { width: 3 } over [2, 2, 1]],
}

fn shape(_: &BottleneckConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    planes(inputs).map(|(channels, height, width)| vec![channels, height, width])
}

/// Kernels of the four convolutions over a map of this height and width.
fn kernels(height: usize, width: usize) -> [usize; 4] {
    let inner = if height.max(width) <= 2 { 1 } else { 3 };
    [1, inner, inner, 1]
}

fn cost(config: &BottleneckConfig, inputs: &[&[usize]]) -> Cost {
    let Ok((channels, height, width)) = planes(inputs) else { return Cost::default() };
    let (channels, positions, narrow) = (channels as u64, (height * width) as u64, config.width as u64);
    let sizes = [(channels, narrow), (narrow, narrow), (narrow, narrow), (narrow, channels)];
    let each = sizes.into_iter().zip(kernels(height, width)).map(|((from, to), kernel)| {
        Cost::of_values(from.saturating_mul(positions)) + conv(from, to, kernel as u64, positions)
    });
    each.sum()
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::BottleneckConfig;
    use crate::tensors::{NormConv, Params, Result, Shape2d, Tensor, ops};

    /// h plus four convolutions of h, with GELU before each.
    #[derive(Debug, Clone)]
    pub struct Bottleneck {
        convs: Vec<NormConv>,
        output: Vec<usize>,
    }

    impl Bottleneck {
        /// Parameters: `0` to `3`.
        ///
        /// # Errors
        /// An input that is not `[channels, height, width]`.
        pub fn new(params: &Params, input: &[usize], config: BottleneckConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            let sizes = [input[0], config.width, config.width, config.width, input[0]];
            let convs = super::kernels(input[1], input[2]).into_iter().enumerate().map(|(at, kernel)| {
                NormConv::new(&params.at(&at.to_string()), sizes[at], sizes[at + 1], kernel, Shape2d::Stride(1))
            });
            Ok(Self { convs: convs.collect::<Result<_>>()?, output })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// An input that does not fit.
        pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
            let mut h = x.clone();
            for conv in &self.convs {
                h = conv.forward(&crate::blocks::types::gelu(&h)?)?;
            }
            ops::add(x, &h)
        }
    }
}
