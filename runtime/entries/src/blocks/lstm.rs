//! A long short-term memory (Hochreiter and Schmidhuber 1997).

use crate::prelude::*;

layer! {
    /// The next state of a long short-term memory: `lstm(state, input)`. The state is the concatenation of the hidden
    /// vector and the cell: `channels(0, 64)` of a state of 128 is the hidden vector.
    two lstm: Lstm(LstmConfig {}),
    examples: [{} over [6] [4], {} over [2] [1]],
}

fn shape(_: &LstmConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[state], [_]] if state.is_multiple_of(2) => Ok(vec![*state]),
        [[state], [_]] => Err(format!("needs a state of hidden vector and cell, equally long, not {state} features")),
        _ => Err("needs a state and an input, both of shape [features]".to_owned()),
    }
}

fn cost(_: &LstmConfig, inputs: &[&[usize]]) -> Cost {
    let [[state], [input]] = inputs else { return Cost::default() };
    let (width, input) = (*state as u64 / 2, *input as u64);
    plain(input, width.saturating_mul(4), 1) + plain(width, width.saturating_mul(4), 1) + Cost::of_values(6 * width)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::LstmConfig;
    use crate::tensors::{Params, Plain, Result, Tensor, ops};

    /// Gates from the input and from the hidden vector: input, forget, cell, output, concatenated.
    #[derive(Debug, Clone)]
    pub struct Lstm {
        of_input: Plain,
        of_hidden: Plain,
        output: Vec<usize>,
    }

    impl Lstm {
        /// Parameters: `input.weight`, `input.bias`, `state.weight`, `state.bias`, each for the four gates.
        ///
        /// # Errors
        /// A state that does not halve, or an input that is not `[features]`.
        pub fn new(params: &Params, state: &[usize], input: &[usize], config: LstmConfig) -> Result<Self> {
            let output = config.output(&[state, input])?;
            let width = state[0] / 2;
            let deviation = 1.0 / (3.0 * width as f64).sqrt();
            Ok(Self {
                of_input: Plain::new(&params.at("input"), input[0], 4 * width, deviation)?,
                of_hidden: Plain::new(&params.at("state"), width, 4 * width, deviation)?,
                output,
            })
        }

        /// The output's shape, without the batch.
        pub fn output(&self) -> &[usize] {
            &self.output
        }

        /// The next state.
        ///
        /// # Errors
        /// Shapes that do not fit.
        pub fn forward(&self, state: &Tensor, input: &Tensor) -> Result<Tensor> {
            let [(of_x, bias_x), (of_h, bias_h)] = [&self.of_input, &self.of_hidden].map(Plain::values);
            ops::lstm(input, state, [(&of_x, &bias_x), (&of_h, &bias_h)])
        }
    }
}
