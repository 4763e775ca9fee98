//! A multilayer perceptron.

use crate::prelude::*;

layer! {
    /// Weight-normalised affine maps of a vector with ELU between them.
    mlp: Mlp(MlpConfig {
        /// features of each hidden layer
        width: usize in 1..=LARGEST_SIZE = 128,
        /// hidden layers
        depth: usize in 1..=256 = 2,
        /// channels of the output; inferred at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ width: 4, depth: 2, out: 3 } over [5], { width: 3, depth: 1, out: 2 } over [2]],
}

fn shape(config: &MlpConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[_]] => bounded(vec![config.out]),
        _ => Err("needs an input of shape [features]; put `flatten` before it".to_owned()),
    }
}

fn cost(config: &MlpConfig, inputs: &[&[usize]]) -> Cost {
    let (input, width) = (inputs.iter().map(|input| count(input) as u64).product(), config.width as u64);
    let elus = |count: u64| -> Cost { (0..count).map(|_| Cost::of_values(width)).sum() };
    let between: Cost = (1..config.depth).map(|_| conv(width, width, 1, 1)).sum();
    conv(input, width, 1, 1) + between + conv(width, config.out as u64, 1, 1) + elus(config.depth as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::MlpConfig;
    use crate::tensors::{NormConv, Params, Result, Shape2d, Tensor, ops};

    /// `depth` affine maps, each followed by ELU, and one more.
    #[derive(Debug, Clone)]
    pub struct Mlp {
        hidden: Vec<NormConv>,
        head: NormConv,
        output: Vec<usize>,
    }

    impl Mlp {
        /// Parameters: `hidden.I`, `head`.
        ///
        /// # Errors
        /// An input that is not `[features]`.
        pub fn new(params: &Params, input: &[usize], config: MlpConfig) -> Result<Self> {
            let output = config.output(&[input])?;
            let affine =
                |name: &str, from: usize, to: usize| NormConv::new(&params.at(name), from, to, 1, Shape2d::Stride(1));
            let hidden = (0..config.depth).map(|at| {
                let from = if at == 0 { input[0] } else { config.width };
                affine(&format!("hidden.{at}"), from, config.width)
            });
            Ok(Self { hidden: hidden.collect::<Result<_>>()?, head: affine("head", config.width, config.out)?, output })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// # Errors
        /// An input that does not fit.
        pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
            let (batch, features) = x.dims2()?;
            let mut h = x.reshape((batch, features, 1, 1))?;
            for layer in &self.hidden {
                h = ops::elu(&layer.forward(&h)?)?;
            }
            self.head.forward(&h)?.flatten_from(1)
        }
    }
}
