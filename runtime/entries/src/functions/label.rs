//! The data set's classes.

use crate::prelude::*;

function! {
    /// The class of the input, read from the data set.
    data label(LabelConfig {}),
    into: [Label],
    examples: [],
}

fn range(_: &LabelConfig, _: Space, _: &[usize]) -> Range {
    Ok(None)
}
