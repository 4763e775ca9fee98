//! A constant.

use crate::prelude::*;

operation! {
    /// The same number everywhere, with the batch, height and width of the input.
    one filled(FilledConfig {
        /// the number
        value: f64 in (-1e12)..=1e12,
        /// channels, or features
        channels: usize in 1..=1048576,
    }),
    causal: |_| true,
    examples: [{ value: -1.5, channels: 3 } over [2, 3, 2]],
}

fn shape(config: &FilledConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let mut shape = same(inputs)?;
    if let Some(first) = shape.first_mut() {
        *first = config.channels;
    }
    bounded(shape)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn filled(input: &Tensor, value: f64, channels: usize) -> Result<Tensor> {
        let mut shape = input.dims().to_vec();
        if let Some(first) = shape.get_mut(1) {
            *first = channels;
        }
        Tensor::full(value, shape, input.device())?.to_dtype(input.dtype())
    }
}
