//! Concatenation.

use crate::prelude::*;

operation! {
    /// The inputs concatenated along the channels (or features).
    many concat(ConcatConfig {}),
    causal: |_| true,
    examples: [{} over [2, 3, 2] [1, 3, 2], {} over [2] [3] [1]],
}

fn shape(_: &ConcatConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let Some((first, rest)) = inputs.split_first() else {
        return Err("needs at least two inputs".to_owned());
    };
    if first.is_empty() || rest.iter().any(|shape| shape.get(1..) != first.get(1..)) {
        let larger = |small: &[usize]| {
            let sizes = |large: &&[usize]| [&small[..1], large.get(1..).unwrap_or(&[])].concat();
            inputs.iter().filter_map(|large| spread_to(small, &sizes(large))).next()
        };
        let remedy = inputs.iter().filter(|small| !small.is_empty()).find_map(|small| larger(small));
        return Err(format!("needs inputs of equal shapes, except for the channels{}", remedy.unwrap_or_default()));
    }
    let mut shape = first.to_vec();
    shape[0] = inputs.iter().map(|input| input[0]).fold(0, usize::saturating_add);
    bounded(shape)
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::concat;
}
