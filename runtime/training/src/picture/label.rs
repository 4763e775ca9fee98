//! Writes text into images with a built-in font.

use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

const WEIGHT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;
const INK: f32 = 40.0;

/// The height of a line of text in pixels.
pub const HEIGHT: u32 = SIZE as u32;

/// The width of a line of text in pixels.
pub fn width(text: &str) -> u32 {
    (text.chars().count() * get_raster_width(WEIGHT, SIZE)) as u32
}

/// Writes a line with its upper left corner at (left, top). Text outside of the image is cut off, and letters that are
/// not ASCII become question marks.
pub fn write(picture: &mut RgbImage, text: &str, left: u32, top: u32) {
    for (at, letter) in text.chars().enumerate() {
        let Some(raster) = get_raster(letter, WEIGHT, SIZE).or_else(|| get_raster('?', WEIGHT, SIZE)) else { continue };
        let left = left + (at * raster.width()) as u32;
        for (y, row) in raster.rows().enumerate() {
            for (x, &ink) in row.iter().enumerate() {
                if let Some(Rgb(pixel)) = picture.get_pixel_mut_checked(left + x as u32, top + y as u32) {
                    let cover = f32::from(ink) / 255.0;
                    *pixel = pixel.map(|paper| (f32::from(paper) * (1.0 - cover) + INK * cover).round() as u8);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_leaves_ink_where_it_stands_and_nowhere_else() {
        let mut paper = RgbImage::from_pixel(width("x y") + 10, HEIGHT + 4, Rgb([255; 3]));
        write(&mut paper, "x y", 5, 2);
        let dark = |x0: u32, x1: u32| (x0..x1).any(|x| (0..paper.height()).any(|y| paper.get_pixel(x, y).0[0] < 128));
        let letter = width("x");
        assert!(dark(5, 5 + letter) && !dark(5 + letter, 5 + 2 * letter) && dark(5 + 2 * letter, 5 + 3 * letter));
        assert!(!dark(0, 5));
        // Neither an unknown letter nor the border of the image is an error.
        write(&mut paper, "ψ and more than fits", 0, 10);
    }
}
