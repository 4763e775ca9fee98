//! Draws position by position, in raster order.

use crate::{Noise, Params, Result, Tensor};

/// Draws maps `[rows, channels, height, width]` position by position. For each position the distribution is computed
/// from the values drawn so far (zeros elsewhere), and the draw at this position is kept.
///
/// # Errors
/// A shape that is not that of a map, or the errors of the functions.
pub fn in_order<D>(
    (rows, shape): (usize, &[usize]),
    params: &Params,
    mut distribution: impl FnMut(&Tensor, &mut Noise) -> Result<D>,
    mut draw: impl FnMut(D, &mut Noise) -> Result<Tensor>,
    noise: &mut Noise,
) -> Result<Tensor> {
    let [channels, height, width] = *shape else {
        candle_core::bail!("positions are those of a map [channels, height, width], not of {shape:?}");
    };
    let mut map = Tensor::zeros((rows, channels, height, width), params.dtype(), params.device())?;
    for position in 0..height * width {
        let drawn = draw(distribution(&map, noise)?, noise)?;
        let here: Vec<u8> = (0..height * width).map(|other| u8::from(other == position)).collect();
        let here = Tensor::from_vec(here, (1, 1, height, width), params.device())?;
        map = here.broadcast_as(map.shape())?.where_cond(&drawn, &map)?;
    }
    Ok(map)
}
