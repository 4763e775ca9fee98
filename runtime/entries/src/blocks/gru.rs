//! A gated recurrent unit (Cho et al. 2014).

use crate::prelude::*;

layer! {
    /// The next state of a gated recurrent unit: `gru(state, input)`. With r, u and n from affine maps of input and
    /// state, it is (1 − u) · tanh(n(input) + r · n(state)) + u · state.
    two gru: Gru(GruConfig {}),
    examples: [{} over [3] [4], {} over [2] [1]],
}

fn shape(_: &GruConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[state], [_]] => Ok(vec![*state]),
        _ => Err("needs a state and an input, both of shape [features]".to_owned()),
    }
}

fn cost(_: &GruConfig, inputs: &[&[usize]]) -> Cost {
    let [[state], [input]] = inputs else { return Cost::default() };
    let (state, input) = (*state as u64, *input as u64);
    plain(input, state.saturating_mul(3), 1) + plain(state, state.saturating_mul(3), 1) + Cost::of_values(4 * state)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::GruConfig;
    use crate::tensors::{Params, Plain, Result, Tensor, ops};

    /// Gates from the input and from the state: reset, update, new, concatenated.
    #[derive(Debug, Clone)]
    pub struct Gru {
        of_input: Plain,
        of_state: Plain,
        output: Vec<usize>,
    }

    impl Gru {
        /// Parameters: `input.weight`, `input.bias`, `state.weight`, `state.bias`, each for the three gates.
        ///
        /// # Errors
        /// A state or an input that is not `[features]`.
        pub fn new(params: &Params, state: &[usize], input: &[usize], config: GruConfig) -> Result<Self> {
            let output = config.output(&[state, input])?;
            let deviation = 1.0 / (3.0 * state[0] as f64).sqrt();
            Ok(Self {
                of_input: Plain::new(&params.at("input"), input[0], 3 * state[0], deviation)?,
                of_state: Plain::new(&params.at("state"), state[0], 3 * state[0], deviation)?,
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
            let [(of_x, bias_x), (of_h, bias_h)] = [&self.of_input, &self.of_state].map(Plain::values);
            ops::gru(input, state, [(&of_x, &bias_x), (&of_h, &bias_h)])
        }
    }
}
