//! An affine map.

use crate::prelude::*;

layer! {
    /// A weight-normalised affine map of a vector.
    linear: Linear(LinearConfig {
        /// channels of the output; left to inference at the end of a factor
        out: usize in 1..=LARGEST_SIZE,
    }),
    examples: [{ out: 3 } over [5]],
}

fn shape(config: &LinearConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [[_]] => bounded(vec![config.out]),
        _ => Err("needs an input of shape [features]; put `flatten` before it".to_owned()),
    }
}

fn cost(config: &LinearConfig, inputs: &[&[usize]]) -> Cost {
    conv(inputs.iter().map(|input| count(input) as u64).product(), config.out as u64, 1, 1)
}
