//! A residual block.

use crate::prelude::*;

layer! {
    /// The input plus two 3x3 convolutions of it with ELU before each.
    residual: Residual(ResidualConfig {
        /// channels between the two convolutions
        width: usize in 1..=LARGEST_SIZE = 64,
    }),
    examples: [{ width: 3 } over [2, 3, 4]],
}

fn shape(_: &ResidualConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    planes(inputs).map(|(channels, height, width)| vec![channels, height, width])
}

fn cost(config: &ResidualConfig, inputs: &[&[usize]]) -> Cost {
    let ((channels, positions), width) = (known_planes(inputs), config.width as u64);
    conv(channels, width, 3, positions) + conv(width, channels, 3, positions)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::ResidualConfig;
    use crate::tensors::{NormConv, Params, Result, Shape2d, Tensor, ops};

    /// h + conv(elu(conv(elu(h)))), both 3x3.
    #[derive(Debug, Clone)]
    pub struct Residual {
        first: NormConv,
        second: NormConv,
        output: Vec<usize>,
    }

    impl Residual {
        /// # Errors
        /// An input that is not `[channels, height, width]`.
        pub fn new(params: &Params, input: &[usize], config: ResidualConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            Ok(Self {
                first: NormConv::new(&params.at("first"), input[0], config.width, 3, Shape2d::Stride(1))?,
                second: NormConv::new(&params.at("second"), config.width, input[0], 3, Shape2d::Stride(1))?,
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
            let h = self.first.forward(&ops::elu(x)?)?;
            ops::add(x, &self.second.forward(&ops::elu(&h)?)?)
        }
    }
}
