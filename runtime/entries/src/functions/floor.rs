//! The pixels whose cells contain given numbers.

use crate::prelude::*;

function! {
    /// The pixels whose cells contain the numbers of v: k/255 for 256 v in [k, k + 1), or the nearest pixel outside of
    /// all cells. It is allowed in p, `p(x | v) = floor(v)`, if q(v | x) ends in `onto(x)`. Then x is certain given v,
    /// and its term is 0.
    rounded floor(FloorConfig {}),
    into: [Image],
    examples: [{} over [3, 4, 2]],
}

fn range(_: &FloorConfig, space: Space, shape: &[usize]) -> Range {
    match (space, shape) {
        (Space::Real, [_, _, _]) => images(shape.to_vec()),
        _ => Err("needs real numbers, [channels, height, width]".to_owned()),
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::pixels as floor;
}
