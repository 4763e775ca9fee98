//! The encoder of the super-resolution VAE.

use crate::prelude::*;

layer! {
    /// Dense layers, with a strided convolution after each but the last that doubles channels and growth and halves
    /// height and width, then a 1x1 convolution.
    encoder: Encoder(EncoderConfig {
        /// channels that each step adds
        growth: usize in 1..=4096 = 64,
        /// bottlenecks in each dense layer
        steps: usize in 1..=256 = 3,
        /// halvings of height and width
        down: usize in 0..=16 = 1,
        /// channels of the output; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ growth: 2, steps: 2, down: 1, out: 3 } over [2, 4, 6]],
}

fn shape(config: &EncoderConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (_, mut height, mut width) = planes(inputs)?;
    for _ in 0..config.down {
        (height, width) = (height.div_ceil(2), width.div_ceil(2));
    }
    bounded(vec![config.out, height, width])
}

fn cost(config: &EncoderConfig, inputs: &[&[usize]]) -> Cost {
    let Ok((channels, mut height, mut width)) = planes(inputs) else { return Cost::default() };
    let (mut channels, mut growth, steps) = (channels as u64, config.growth as u64, config.steps as u64);
    let mut total = Cost::default();
    for _ in 0..config.down {
        let stack = dense_channels(channels, growth, steps);
        let before = (height * width) as u64;
        total = total + dense_layer(channels, growth, steps, before);
        (height, width) = (height.div_ceil(2), width.div_ceil(2));
        channels = stack.saturating_mul(2);
        total = total + resizing(stack, channels, 3, [before, (height * width) as u64]);
        growth = growth.saturating_mul(2);
    }
    let stack = dense_channels(channels, growth, steps);
    let positions = (height * width) as u64;
    total + dense_layer(channels, growth, steps, positions) + conv(stack, config.out as u64, 1, positions)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::EncoderConfig;
    use crate::tensors::{DenseLayer, NormConv, Params, Result, Shape2d, Tensor, narrowed, widened};

    /// Dense layers, with a halving of the resolution between them that doubles channels and growth; then a 1x1
    /// convolution.
    #[derive(Debug, Clone)]
    pub struct Encoder {
        levels: Vec<(DenseLayer, NormConv)>,
        last: DenseLayer,
        head: NormConv,
        output: Vec<usize>,
    }

    impl Encoder {
        /// Parameters: `dense.I`, `down.I`, `head`.
        ///
        /// # Errors
        /// An input that is not `[channels, height, width]`, or too few channels.
        pub fn new(params: &Params, input: &[usize], config: EncoderConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            let (mut channels, mut growth, mut levels) = (input[0], config.growth, Vec::with_capacity(config.down));
            for level in 0..config.down {
                let dense = DenseLayer::new(&params.at(&format!("dense.{level}")), channels, growth, config.steps)?;
                channels = 2 * dense.channels();
                let down = params.at(&format!("down.{level}"));
                let down = NormConv::new(&down, dense.channels(), channels, 3, Shape2d::Stride(2))?;
                levels.push((dense, down));
                growth *= 2;
            }
            let last = DenseLayer::new(&params.at(&format!("dense.{}", config.down)), channels, growth, config.steps)?;
            let head = NormConv::new(&params.at("head"), last.channels(), config.out, 1, Shape2d::Stride(1))?;
            Ok(Self { levels, last, head, output })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// An input that does not fit.
        pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
            let mut h = narrowed(x)?;
            for (dense, down) in &self.levels {
                h = down.forward(&dense.forward(&h)?)?;
            }
            widened(&self.head.forward(&self.last.forward(&h)?)?)
        }
    }
}
