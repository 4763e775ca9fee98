//! Checks images before decoding: their size, and the checksums of PNG.

use super::{picture_limit, size, within};
use anyhow::{Context, Result, ensure};
use image::{ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Verifies an image file as far as possible before decoding, and returns a reader with limits.
///
/// # Errors
/// An image that would need more than [`picture_limit`] bytes, or a PNG with a damaged chunk.
pub fn check(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>> {
    let reader = || -> Result<ImageReader<Cursor<&[u8]>>> {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(picture_limit());
        reader.limits(limits);
        Ok(reader)
    };
    if reader()?.format() == Some(ImageFormat::Png) {
        chunks(bytes)?;
    }
    let decoder = reader()?.into_decoder()?;
    let (width, height) = decoder.dimensions();
    within(decoder.total_bytes(), picture_limit())
        .with_context(|| format!("{width}x{height} pixels (the limit for one image is {})", size(picture_limit())))?;
    reader()
}

/// PNG: the CRC-32 of every chunk, including ancillary ones, up to the end.
fn chunks(bytes: &[u8]) -> Result<()> {
    let mut rest = &bytes[8..];
    loop {
        let cut = "the file is cut short";
        let length = rest.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize).context(cut)?;
        let chunk = length.checked_add(8).and_then(|end| rest.get(4..end)).context(cut)?;
        let checksum = rest[4 + chunk.len()..].first_chunk::<4>().context(cut)?;
        let mut found = flate2::Crc::new();
        found.update(chunk);
        let name = String::from_utf8_lossy(&chunk[..4]);
        ensure!(
            found.sum().to_be_bytes() == *checksum,
            "the checksum of its chunk {name} is wrong; the file is damaged"
        );
        // The decoder assumes that a palette has complete colours.
        let colours = (3..=3 * 256).contains(&length) && length.is_multiple_of(3);
        ensure!(name != "PLTE" || colours, "its palette has {length} bytes");
        if name == "IEND" {
            return Ok(());
        }
        rest = &rest[8 + chunk.len()..];
    }
}
