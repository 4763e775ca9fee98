//! The leaky rectified linear unit.

use crate::prelude::*;

operation! {
    /// t if t > 0, otherwise slope · t, element by element.
    one leaky_relu(LeakyReluConfig {
        /// factor for negative values
        slope: f64 in 0.0..=1.0 = 0.01,
    }),
    examples: [{ slope: 0.01 } over [5], { slope: 0.2 } over [2, 3, 2]],
}

fn shape(_: &LeakyReluConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    same(inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A failed tensor operation.
    pub fn leaky_relu(input: &Tensor, slope: f64) -> Result<Tensor> {
        // candle's relu would give 0 for NaN.
        input.gt(0.0)?.where_cond(input, &(input * slope)?)
    }
}
