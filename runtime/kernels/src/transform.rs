//! Deterministic functions of images with a discrete range, for q(y | x) = f(x).
//!
//! They act on data, so they have no gradient. Values stay on the k/255 grid.

use super::cuda::{Backend, image};
use crate::{Result, Tensor};
use candle_core::DType;
use rayon::prelude::*;

/// Bits after the point in the filter's weights.
const PRECISION: u32 = 22;

/// The image reduced by `factor`: a triangle filter with a support of 2 output pixels, renormalised at the border,
/// horizontal then vertical, rounded to 8 bits after each.
///
/// # Errors
/// A size that is not a multiple of the factor.
pub fn downscale(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if factor == 0 || height % factor != 0 || width % factor != 0 {
        candle_core::bail!("{height}x{width} pixels do not divide by {factor}");
    }
    match Backend::of(x) {
        Backend::Cuda if factor <= image::LARGEST_FACTOR => image::downscale(x, factor),
        Backend::Cuda | Backend::Host | Backend::Candle => {
            map_planes(x, [batch, channels, height / factor, width / factor], |plane| {
                let across = shrink(plane, width, factor);
                let turned = transpose(&across, width / factor);
                transpose(&shrink(&turned, height, factor), height / factor)
            })
        }
    }
}

/// Luma, 0.299 R + 0.587 G + 0.114 B, rounded to the grid: `[N, 3, H, W]` to `[N, 1, H, W]`.
///
/// # Errors
/// An image of other than 3 channels.
pub fn grayscale(x: &Tensor) -> Result<Tensor> {
    let (_, channels, _, _) = x.dims4()?;
    if channels != 3 {
        candle_core::bail!("grayscale takes 3 channels, there are {channels}");
    }
    let luma = ((x.narrow(1, 0, 1)? * 0.299)? + (x.narrow(1, 1, 1)? * 0.587)?)?;
    quantise(&(luma + (x.narrow(1, 2, 1)? * 0.114)?)?)
}

/// Edges: the magnitude of the luma's Sobel gradient, clamped to [0, 1] and rounded to the grid: `[N, 1, H, W]`.
///
/// # Errors
/// An image of other than 1 or 3 channels.
pub fn sketch(x: &Tensor) -> Result<Tensor> {
    let luma = if x.dim(1)? == 1 { x.clone() } else { grayscale(x)? };
    let (batch, _, height, width) = luma.dims4()?;
    let values = luma.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    let mut edges = Vec::with_capacity(values.len());
    for plane in values.chunks(height * width) {
        let at = |y: isize, x: isize| {
            let (y, x) = (y.clamp(0, height as isize - 1), x.clamp(0, width as isize - 1));
            plane[y as usize * width + x as usize]
        };
        for (y, x) in (0..height as isize).flat_map(|y| (0..width as isize).map(move |x| (y, x))) {
            let side = |d: isize| at(y - 1, x + d) + 2.0 * at(y, x + d) + at(y + 1, x + d);
            let level = |d: isize| at(y + d, x - 1) + 2.0 * at(y + d, x) + at(y + d, x + 1);
            edges.push((side(1) - side(-1)).hypot(level(1) - level(-1)) / 4.0);
        }
    }
    let edges = Tensor::from_vec(edges, (batch, 1, height, width), x.device())?.to_dtype(x.dtype())?;
    quantise(&edges.clamp(0.0, 1.0)?)
}

/// Rounds to the k/255 grid.
///
/// # Errors
/// A failed tensor operation.
pub fn quantise(x: &Tensor) -> Result<Tensor> {
    match Backend::of(x) {
        // The kernel has no backward pass.
        Backend::Cuda if !x.track_op() => image::quantise(x),
        Backend::Cuda | Backend::Host | Backend::Candle => (x.clamp(0.0, 1.0)? * 255.0)?.round()? / 255.0,
    }
}

/// Applies a function of bytes to every plane.
fn map_planes(x: &Tensor, out: [usize; 4], each: impl Fn(&[u8]) -> Vec<u8> + Sync) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let values = x.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    let planes = values.par_chunks((height * width).max(1)).flat_map_iter(|plane| {
        let bytes: Vec<u8> = plane.iter().map(|value| (value * 255.0).round() as u8).collect();
        each(&bytes).into_iter().map(|value| f64::from(value) / 255.0)
    });
    let values: Vec<f64> = planes.collect();
    Tensor::from_vec(values, &out, x.device())?.to_dtype(x.dtype())
}

/// Reduces every row of `width` bytes by `factor`.
fn shrink(plane: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let taps: Vec<_> = (0..width / factor).map(|at| filter(at, width, factor)).collect();
    let each = |row: &[u8], (first, weights): &(usize, Vec<i64>)| {
        let sum: i64 = row[*first..].iter().zip(weights).map(|(value, weight)| i64::from(*value) * weight).sum();
        ((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255) as u8
    };
    plane.chunks(width).flat_map(|row| taps.iter().map(move |taps| each(row, taps))).collect()
}

/// First input pixel and fixed-point weights of an output pixel.
fn filter(at: usize, width: usize, factor: usize) -> (usize, Vec<i64>) {
    let scale = factor as f64;
    let centre = (at as f64 + 0.5) * scale;
    let first = (centre - scale + 0.5).max(0.0) as usize;
    let end = ((centre + scale + 0.5) as usize).min(width);
    let raw: Vec<f64> = (first..end).map(|x| (1.0 - ((x as f64 + 0.5 - centre) / scale).abs()).max(0.0)).collect();
    let total: f64 = raw.iter().sum();
    let fixed = |weight: f64| (weight / total * f64::from(1u32 << PRECISION) + 0.5) as i64;
    (first, raw.into_iter().map(fixed).collect())
}

fn transpose(plane: &[u8], width: usize) -> Vec<u8> {
    let height = plane.len() / width.max(1);
    (0..width).flat_map(|x| (0..height).map(move |y| plane[y * width + x])).collect()
}
