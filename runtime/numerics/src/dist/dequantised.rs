//! Pixels as cells of a density over real numbers.

use crate::{Noise, Result, Tensor};

/// The number of values of a pixel.
pub const LEVELS: f64 = 256.0;

/// Pixels k/255 as uniform draws from their cells, [k, k + 1)/256. `name` is the variable's name.
///
/// # Errors
/// Recorded noise of another shape.
pub fn dequantised(pixels: &Tensor, name: &str, noise: &mut Noise) -> Result<Tensor> {
    let within = noise.uniform(name, pixels.dims(), pixels.dtype(), pixels.device())?;
    ((pixels * (LEVELS - 1.0))?.round()? + within)? / LEVELS
}

/// The pixels whose cells contain the numbers, or the nearest pixels outside of all cells.
///
/// # Errors
/// A failed tensor operation.
pub fn pixels(numbers: &Tensor) -> Result<Tensor> {
    (numbers * LEVELS)?.floor()?.clamp(0.0, LEVELS - 1.0)? / (LEVELS - 1.0)
}
