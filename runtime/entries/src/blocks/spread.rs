//! Repeats a value over a larger shape.

use crate::prelude::*;

operation! {
    /// The input repeated to a larger shape, along sizes of 1 and along additional sizes at the end. This is the only
    /// broadcast in the language.
    one spread(SpreadConfig {
        /// the new shape, without the batch
        sizes: [usize] in 1..=LARGEST_SIZE,
    }),
    examples: [
        { sizes: vec![4] } over [1],
        { sizes: vec![3, 2, 2] } over [3],
        { sizes: vec![3, 2, 2] } over [1, 2, 2],
    ],
}

fn shape(config: &SpreadConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let input = same(inputs)?;
    let fits = |(at, size): (usize, &usize)| input.get(at).is_none_or(|have| *have == 1 || have == size);
    if input.len() > config.sizes.len() || !config.sizes.iter().enumerate().all(fits) {
        return Err("repeats sizes of 1 and sizes that are not there, and leaves the others as they are".to_owned());
    }
    bounded(config.sizes.clone())
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Result, Tensor};

    /// # Errors
    /// A shape to which the input cannot be repeated.
    pub fn spread(input: &Tensor, sizes: &[usize]) -> Result<Tensor> {
        let mut dims = input.dims().to_vec();
        dims.resize(sizes.len() + 1, 1);
        let mut target = vec![dims[0]];
        target.extend_from_slice(sizes);
        input.reshape(dims)?.broadcast_as(target)?.contiguous()
    }
}
