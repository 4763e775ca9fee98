//! The decoder of the super-resolution VAE.

use crate::prelude::*;

layer! {
    /// Dense layers, each followed by a transposed convolution that halves channels and growth and doubles height and
    /// width, then a 3x3 convolution.
    decoder: Decoder(DecoderConfig {
        /// channels that each step adds
        growth: usize in 1..=4096 = 64,
        /// bottlenecks in each dense layer
        steps: usize in 1..=256 = 3,
        /// doublings of height and width
        up: usize in 0..=16 = 1,
        /// channels of the output; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ growth: 4, steps: 2, up: 1, out: 3 } over [3, 2, 3]],
}

fn shape(config: &DecoderConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (_, height, width) = planes(inputs)?;
    let (up, growth) = (config.up, config.growth);
    if up > 1 && growth >> (up - 1) == 0 {
        return Err(format!(
            "halves its growth of {growth} after every doubling and has none left for the last of {up}"
        ));
    }
    bounded(vec![config.out, height << up.min(32), width << up.min(32)])
}

fn cost(config: &DecoderConfig, inputs: &[&[usize]]) -> Cost {
    let (mut channels, mut positions) = known_planes(inputs);
    let (mut growth, steps) = (config.growth as u64, config.steps as u64);
    let mut total = Cost::default();
    for _ in 0..config.up {
        let stack = dense_channels(channels, growth, steps);
        total = total + dense_layer(channels, growth, steps, positions) + doubling(stack, stack / 2, positions);
        channels = stack / 2;
        growth /= 2;
        positions = positions.saturating_mul(4);
    }
    total + conv(channels, config.out as u64, 3, positions)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::DecoderConfig;
    use crate::tensors::{DenseLayer, NormConv, Params, Result, Shape2d, Tensor, narrowed, widened};

    /// Dense layers, each followed by a doubling of the resolution that halves channels and growth; then a 3x3
    /// convolution.
    #[derive(Debug, Clone)]
    pub struct Decoder {
        levels: Vec<(DenseLayer, NormConv)>,
        head: NormConv,
        output: Vec<usize>,
    }

    impl Decoder {
        /// Parameters: `dense.I`, `up.I`, `head`.
        ///
        /// # Errors
        /// An input that is not `[channels, height, width]`, or too few channels.
        pub fn new(params: &Params, input: &[usize], config: DecoderConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            let (mut channels, mut growth, mut levels) = (input[0], config.growth, Vec::with_capacity(config.up));
            for level in 0..config.up {
                let dense = DenseLayer::new(&params.at(&format!("dense.{level}")), channels, growth, config.steps)?;
                channels = dense.channels() / 2;
                let up = params.at(&format!("up.{level}"));
                let up = NormConv::new(&up, dense.channels(), channels, 3, Shape2d::Double)?;
                levels.push((dense, up));
                growth /= 2;
            }
            let head = NormConv::new(&params.at("head"), channels, config.out, 3, Shape2d::Stride(1))?;
            Ok(Self { levels, head, output })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// An input that does not fit.
        pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
            let mut h = narrowed(x)?;
            for (dense, up) in &self.levels {
                h = up.forward(&dense.forward(&h)?)?;
            }
            widened(&self.head.forward(&h)?)
        }
    }
}
