//! The lowest frequencies of an image as an image, a function that q may use for a latent variable.

use super::transform::quantise;
use crate::{Result, Tensor};
use candle_core::{DType, bail};
use std::f64::consts::TAU;

/// The contrast of the logarithmic scale: ln(1 + CONTRAST·a) / ln(1 + CONTRAST).
const CONTRAST: f64 = 1000.0;
/// Amplitudes that are rounded to black have phase 0, because their phase is only a rounding error.
const BLACK: f64 = 0.5 / 255.0;

/// Amplitudes, left, and phases, right, of each channel's lowest frequencies: `[N, C, H, W]` to `[N, C, size, size]`.
///
/// Row i holds the vertical frequency i − size/2, column j the horizontal frequency j mod size/2; the other half of the
/// plane is its mirror image, as pixels are real. An amplitude is |Σ x·exp(−2πi·…)| / (H·W) on a logarithmic scale, a
/// phase the part of a turn in [0, 1); both are rounded to the grid.
///
/// # Errors
/// An odd size, or one that the image has no frequencies for.
pub fn fourier(x: &Tensor, size: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if size == 0 || !size.is_multiple_of(2) || size > height || size > width {
        bail!("fourier keeps an even number of frequencies that {height}x{width} pixels have, not {size}");
    }
    let half = size / 2;
    let across: Vec<_> = (0..half).map(|frequency| wave(frequency as f64, width)).collect();
    let down: Vec<_> = (0..size).map(|row| wave(row as f64 - half as f64, height)).collect();
    let pixels = x.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    let mut out = Vec::with_capacity(batch * channels * size * size);
    for plane in pixels.chunks(height * width) {
        // Rows first: one complex number per row and horizontal frequency.
        let rows: Vec<Vec<Complex>> = across
            .iter()
            .map(|wave| plane.chunks(width).map(|row| along(row.iter().map(|&v| (v, 0.0)), wave)).collect())
            .collect();
        for wave in &down {
            let found: Vec<_> = rows.iter().map(|column| along(column.iter().copied(), wave)).collect();
            let scaled: Vec<_> = found.iter().map(|value| amplitude(*value, plane.len())).collect();
            out.extend(&scaled);
            out.extend(found.iter().zip(&scaled).map(|(value, scaled)| phase(*value, *scaled)));
        }
    }
    quantise(&Tensor::from_vec(out, (batch, channels, size, size), x.device())?.to_dtype(x.dtype())?)
}

type Complex = (f64, f64);

/// exp(−2πi·frequency·t / length) for every t.
fn wave(frequency: f64, length: usize) -> Vec<Complex> {
    let angle = |at: usize| -TAU * frequency * at as f64 / length as f64;
    (0..length).map(|at| (angle(at).cos(), angle(at).sin())).collect()
}

fn along(values: impl Iterator<Item = Complex>, wave: &[Complex]) -> Complex {
    values.zip(wave).fold((0.0, 0.0), |(re, im), ((a, b), (c, d))| (re + a * c - b * d, im + a * d + b * c))
}

fn amplitude((re, im): Complex, pixels: usize) -> f64 {
    (1.0 + CONTRAST * re.hypot(im) / pixels as f64).ln() / (1.0 + CONTRAST).ln()
}

/// The phase as a fraction of a turn, in [0, 1).
fn phase((re, im): Complex, amplitude: f64) -> f64 {
    let turn = if amplitude < BLACK { 0.0 } else { (im.atan2(re) / TAU).rem_euclid(1.0) };
    if turn > 254.5 / 255.0 { 0.0 } else { turn }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn image(value: impl Fn(usize, usize) -> f64) -> Tensor {
        let pixels: Vec<f64> = (0..16 * 16).map(|at| value(at / 16, at % 16)).collect();
        Tensor::from_vec(pixels, (1, 1, 16, 16), &Device::Cpu).unwrap()
    }

    fn frequencies(x: &Tensor, size: usize) -> Vec<Vec<f64>> {
        fourier(x, size).unwrap().squeeze(0).unwrap().squeeze(0).unwrap().to_vec2().unwrap()
    }

    #[test]
    fn a_plain_image_has_no_frequency_but_zero() {
        let found = frequencies(&image(|_, _| 0.5), 8);
        let expected = (501.0f64.ln() / 1001.0f64.ln() * 255.0).round() / 255.0;
        for (row, values) in found.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                let wanted = if (row, column) == (4, 0) { expected } else { 0.0 };
                // Here and below: rounding in f64.
                assert!((value - wanted).abs() < 1e-12, "{row}, {column}: {value} for {wanted}");
            }
        }
    }

    /// A shift by s pixels keeps every amplitude and changes the phase of frequency k by −k·s/16.
    #[test]
    fn shifts_turn_phases() {
        let picture = |y: usize, x: usize| ((y * y + 3 * x * y + 7 * x) % 16) as f64 / 16.0;
        let (still, moved) =
            (frequencies(&image(picture), 8), frequencies(&image(|y, x| picture(y, (x + 13) % 16)), 8));
        for (still, moved) in still.iter().zip(&moved) {
            for frequency in 0..4 {
                // Rounding in f64.
                assert!((still[frequency] - moved[frequency]).abs() < 1e-12);
                if still[frequency] > 0.2 {
                    let turned = still[4 + frequency] - frequency as f64 * 3.0 / 16.0 - moved[4 + frequency];
                    // Both phases are rounded to 1/255 of a turn.
                    assert!((turned - turned.round()).abs() < 1.01 / 255.0, "{turned}");
                }
            }
        }
    }

    #[test]
    fn refuses_frequencies_the_image_does_not_have() {
        for size in [0, 3, 18] {
            assert!(fourier(&image(|_, _| 0.0), size).is_err());
        }
    }
}
