//! Images of a model's results: sheets of samples and comparisons, as PNG and SVG.

mod described;
mod label;
mod layout;
mod planes;
pub mod resize;
mod tiles;
mod vector;

pub use described::{Description, decode, encode};
pub use layout::{Region, Row, Sheet, columns, rows};
pub use planes::Planes;
pub use tiles::{Blend, Canvas, Tiling};
pub use vector::svg;

use crate::{DType, Tensor};
use anyhow::{Context, Result, bail};
use image::{Rgb, RgbImage, imageops};
use std::io::Cursor;
use std::path::Path;

/// The images of a batch [B, C, H, W] with values in [0, 1]. One channel is shown as grey; of several, the first three
/// are shown.
///
/// # Errors
/// Another number of dimensions.
pub fn from_batch(batch: &Tensor) -> Result<Vec<RgbImage>> {
    let [count, channels, height, width] = match *batch.dims() {
        [b, c, h, w] => [b, c, h, w],
        _ => bail!("a batch of images has shape [batch, channels, height, width], not {:?}", batch.dims()),
    };
    let numbers: Vec<f32> = batch.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    let plane = height * width;
    let byte = |picture: usize, channel: usize, at: usize| {
        (numbers[(picture * channels + channel.min(channels - 1)) * plane + at] * 255.0).round().clamp(0.0, 255.0) as u8
    };
    let green_blue = if channels >= 3 { [1, 2] } else { [0, 0] };
    Ok((0..count)
        .map(|picture| {
            RgbImage::from_fn(width as u32, height as u32, |x, y| {
                let at = y as usize * width + x as usize;
                Rgb([0, green_blue[0], green_blue[1]].map(|channel| byte(picture, channel, at)))
            })
        })
        .collect())
}

/// An image with each pixel enlarged to a block of `factor`×`factor`.
pub fn enlarge(picture: &RgbImage, factor: u32) -> RgbImage {
    imageops::resize(picture, picture.width() * factor, picture.height() * factor, imageops::FilterType::Nearest)
}

/// Bytes in base64, for embedding in other files.
pub fn base64(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

/// The bytes of a PNG file.
///
/// # Errors
/// An image without pixels.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).context("an image could not be encoded as PNG")?;
    Ok(bytes.into_inner())
}

/// Writes a PNG file atomically.
///
/// # Errors
/// A path that cannot be written.
pub fn save(picture: &RgbImage, path: &Path) -> Result<()> {
    crate::files::write(path, &png(picture)?)
}
