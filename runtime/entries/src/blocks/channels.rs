//! A range of channels.

use crate::prelude::*;

operation! {
    /// A range of channels (of a vector: of its elements): `channels(0, 32)` are the first 32, `channels(32)` all after
    /// them.
    one channels(ChannelsConfig {
        /// the first one, counted from 0
        from: usize in 0..=LARGEST_SIZE = 0,
        /// the end, exclusive; 0 for all remaining channels
        to: usize in 0..=LARGEST_SIZE = 0,
    }),
    causal: |_| true,
    examples: [
        { from: 1, to: 3 } over [4, 2, 2],
        { from: 2, to: 0 } over [5],
        { from: 0, to: 2 } over [3],
    ],
}

/// The first channel and the number of channels, of `channels` in total.
fn span(from: usize, to: usize, channels: usize) -> Result<(usize, usize), String> {
    let end = if to == 0 { channels } else { to };
    match end.checked_sub(from) {
        _ if end > channels => Err(format!("ends before channel {end}, its input has {channels}")),
        None | Some(0) => Err(format!("begins at channel {from} and ends before channel {end}, so it is empty")),
        Some(count) => Ok((from, count)),
    }
}

fn shape(config: &ChannelsConfig, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let mut shape = same(inputs)?;
    let Some(channels) = shape.first_mut() else { return Err("needs channels".to_owned()) };
    *channels = span(config.from, config.to, *channels)?.1;
    Ok(shape)
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Error, Result, Tensor, ops};

    /// # Errors
    /// Channels that the input does not have.
    pub fn channels(input: &Tensor, from: usize, to: usize) -> Result<Tensor> {
        let (from, count) =
            super::span(from, to, input.dim(1)?).map_err(|why| Error::Msg(format!("`channels` {why}")))?;
        ops::channels(input, from, count)
    }
}
