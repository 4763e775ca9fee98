//! A causal convolution (van den Oord et al. 2016).

use crate::prelude::*;

layer! {
    /// A weight-normalised causal convolution: the output at each position depends only on earlier positions in raster
    /// order (the rows above, and those to the left in the same row), and with `own` on the same position. The first
    /// one over an image itself has `own: false`; after `past(x)` the default is right.
    masked_conv: MaskedConv(MaskedConvConfig {
        /// height and width of the kernel, odd
        kernel: usize in 1..=31 = 3,
        /// whether the output at a position depends on the input at the same position
        own: bool = true,
        /// channels of the output; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    causal: |_| true,
    examples: [
        { kernel: 3, own: false, out: 2 } over [3, 4, 3],
        { kernel: 3, own: true, out: 2 } over [2, 3, 3],
        { kernel: 1, own: true, out: 3 } over [2, 2, 2],
    ],
}

fn shape(config: &MaskedConvConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (_, height, width) = planes(inputs)?;
    if config.kernel.is_multiple_of(2) {
        return Err(format!("needs an odd kernel, not {}", config.kernel));
    }
    if config.kernel == 1 && !config.own {
        return Err("sees nothing with a kernel of 1 and `own: false`".to_owned());
    }
    bounded(vec![config.out, height, width])
}

fn cost(config: &MaskedConvConfig, inputs: &[&[usize]]) -> Cost {
    let (channels, positions) = known_planes(inputs);
    conv(channels, config.out as u64, config.kernel as u64, positions)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::MaskedConvConfig;
    use crate::tensors::{NormConv, Params, Result, Shape2d, Tensor};

    /// A convolution whose kernel is 0 after its centre, and at the centre unless `own` is set.
    #[derive(Debug, Clone)]
    pub struct MaskedConv {
        conv: NormConv,
        output: Vec<usize>,
    }

    impl MaskedConv {
        /// # Errors
        /// An input that is not `[channels, height, width]`, or a kernel without any position.
        pub fn new(params: &Params, input: &[usize], config: MaskedConvConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            let seen = config.kernel * config.kernel / 2 + usize::from(config.own);
            let conv = NormConv::new(params, input[0], config.out, config.kernel, Shape2d::Stride(1))?.seeing(seen)?;
            Ok(Self { conv, output })
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
