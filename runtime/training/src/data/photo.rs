//! Reads an image file.

use crate::input;
use anyhow::{Context, Result, bail, ensure};
use image::{DynamicImage, ImageDecoder, ImageFormat, RgbImage};
use std::path::Path;

/// Supported file extensions.
pub const ENDINGS: &[&str] = if cfg!(feature = "tiff") {
    &["png", "jpg", "jpeg", "jfif", "webp", "bmp", "tif", "tiff"]
} else {
    &["png", "jpg", "jpeg", "jfif", "webp", "bmp"]
};

/// Extensions of image formats that are not supported. Such files are counted and reported.
pub const OTHER_ENDINGS: &[&str] = &[
    "tif", "tiff", "gif", "heic", "heif", "avif", "jp2", "jxl", "ico", "tga", "ppm", "pgm", "pnm", "psd", "svg", "raw",
    "dng", "cr2", "nef",
];

/// The colour behind transparent pixels: grey levels of red, green and blue.
const BACKGROUND: [u8; 3] = [255; 3];

/// An image file as RGB, with its EXIF orientation applied and transparent pixels over white.
///
/// # Errors
/// A file that cannot be read, is not a complete image, or would need too much memory.
pub fn open(path: &Path) -> Result<RgbImage> {
    decode(&input::read(path)?).with_context(|| format!("{}: not an image that can be read", path.display()))
}

/// Decodes a file's bytes.
///
/// # Errors
/// As [`open`].
pub fn decode(bytes: &[u8]) -> Result<RgbImage> {
    ensure!(!bytes.is_empty(), "the file is empty");
    if image::guess_format(bytes).is_ok_and(|format| format == ImageFormat::Jpeg) {
        whole_jpeg(bytes)?;
    }
    let mut decoder = input::check_picture(bytes)?.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(if picture.color().has_alpha() { over_background(&picture) } else { picture.into_rgb8() })
}

fn over_background(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0.map(u32::from);
        let blend = |front: u32, back: u8| ((front * alpha + u32::from(back) * (255 - alpha) + 127) / 255) as u8;
        let [r, g, b] = BACKGROUND;
        image::Rgb([blend(red, r), blend(green, g), blend(blue, b)])
    })
}

/// Refuses a truncated JPEG file, because decoders fill the missing part with grey.
fn whole_jpeg(bytes: &[u8]) -> Result<()> {
    const CUT: &str = "the JPEG file is cut short";
    let mut at = 2;
    let mut scanned = false;
    loop {
        // From the pixels of a scan to the next marker: FF 00 is a pixel byte, FF D0 to FF D7 restart the scan.
        if scanned {
            let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff | 0xd0..=0xd7);
            let rest = bytes.get(at..).context(CUT)?;
            at += rest.windows(2).position(is_marker).context(CUT)?;
        }
        let (&begin, &marker) = bytes.get(at).zip(bytes.get(at + 1)).context(CUT)?;
        match marker {
            // Bytes outside of segments are skipped, as decoders do.
            _ if begin != 0xff => at += 1,
            0xff => at += 1,
            0xd9 => return Ok(()),
            0x01 | 0xd0..=0xd8 => at += 2,
            _ => {
                let length = bytes.get(at + 2..at + 4).context(CUT)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                if length < 2 {
                    bail!("the JPEG file is damaged");
                }
                at += 2 + length;
                scanned = marker == 0xda;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, open};
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, ImageEncoder, Rgb, Rgba, RgbaImage};

    fn jpeg(orientation: Option<u8>) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(48, 32, |x, y| Rgb([if x < 24 { 250 } else { 5 }, y as u8, x as u8]));
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
        if let Some(value) = orientation {
            // The smallest EXIF block: one entry, tag 0x0112.
            let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0];
            let exif = [b"II*\0\x08\0\0\0\x01\0".as_slice(), &entry].concat();
            encoder.set_exif_metadata(exif).unwrap();
        }
        encoder.write_image(picture.as_raw(), 48, 32, ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    #[test]
    fn pictures_stand_upright() {
        let light = |picture: &image::RgbImage, x: u32, y: u32| picture.get_pixel(x, y).0[0] > 128;
        let plain = decode(&jpeg(None)).unwrap();
        assert!(plain.dimensions() == (48, 32) && light(&plain, 4, 16) && !light(&plain, 44, 16));
        // 3: rotate by 180°; 6: rotate by 90° clockwise.
        let half = decode(&jpeg(Some(3))).unwrap();
        assert!(half.dimensions() == (48, 32) && !light(&half, 4, 16) && light(&half, 44, 16));
        let quarter = decode(&jpeg(Some(6))).unwrap();
        assert!(quarter.dimensions() == (32, 48) && light(&quarter, 16, 4) && !light(&quarter, 16, 44));
    }

    #[test]
    fn a_jpeg_that_is_cut_anywhere_is_refused() {
        let whole = jpeg(Some(1));
        for cut in (3..whole.len() - 1).step_by(whole.len() / 40) {
            let error = format!("{:#}", decode(&whole[..cut]).unwrap_err());
            assert!(cut < 40 || error.contains("cut short"), "{cut} of {}: {error}", whole.len());
        }
        // Bytes after the end are ignored.
        assert!(decode(&[whole.as_slice(), b"\0\0trailer"].concat()).is_ok());
    }

    #[test]
    fn transparent_pixels_are_white() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.png");
        let alpha = [0, 51, 255];
        RgbaImage::from_fn(3, 1, |x, _| Rgba([100, 0, 255, alpha[x as usize]])).save(&path).unwrap();
        let pixels: Vec<[u8; 3]> = open(&path).unwrap().pixels().map(|pixel| pixel.0).collect();
        assert_eq!(pixels, [[255; 3], [224, 204, 255], [100, 0, 255]]);
    }
}
