//! Changes height and width.

use crate::prelude::*;

operation! {
    /// The map at another height and width, by nearest-neighbour interpolation: `resize(8)`, `resize(8, 16)`.
    one resize(ResizeConfig {
        /// height and width, or one number for both
        size: [usize] in 1..=LARGEST_SIZE,
    }),
    examples: [{ size: vec![6] } over [2, 3, 2], { size: vec![2, 3] } over [1, 4, 5], { size: vec![3, 2] } over [2, 3, 2]],
}

/// Height and width from one or two numbers.
fn sides(size: &[usize]) -> Option<(usize, usize)> {
    match size {
        [both] => Some((*both, *both)),
        [height, width] => Some((*height, *width)),
        _ => None,
    }
}

fn shape(config: &ResizeConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (channels, ..) = planes(inputs)?;
    let (height, width) = sides(&config.size).ok_or("takes height and width, or one number for both")?;
    bounded(vec![channels, height, width])
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor, bail, ops};

    /// # Errors
    /// An input that is not `[N, channels, height, width]`, or other than one or two sizes.
    pub fn resize(input: &Tensor, size: &[usize]) -> Result<Tensor> {
        let Some((height, width)) = super::sides(size) else {
            bail!("`resize` takes height and width, or one number for both, not {size:?}");
        };
        ops::nearest(input, height, width)
    }
}
