//! Fits an image to a shape: cropped at the centre to the aspect ratio, then resized, then with its channels converted.

use image::imageops::FilterType;
use image::{ImageBuffer, Luma, RgbImage};

/// Converts an image, channel by channel, from one shape [channels, height, width] to another.
///
/// Three channels become one by luma, and one becomes three by grey. For other numbers the existing channels are
/// repeated.
pub fn fit(picture: &[u8], from: [usize; 3], to: [usize; 3]) -> Vec<u8> {
    let [channels, height, width] = from;
    let planes: Vec<Vec<u8>> = if from[1..] == to[1..] {
        picture.chunks(height * width).map(<[u8]>::to_vec).collect()
    } else {
        picture.chunks(height * width).map(|plane| fit_plane(plane, [height, width], [to[1], to[2]])).collect()
    };
    match (channels, to[0]) {
        (3, 1) => luma(&planes),
        (_, wanted) => (0..wanted).flat_map(|channel| planes[channel % channels].iter().copied()).collect(),
    }
}

/// An interleaved RGB image of any size, fitted to `to` = [channels, height, width].
pub fn fit_rgb(picture: &RgbImage, to: [usize; 3]) -> Vec<u8> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let planes = (0..3).flat_map(|channel| picture.pixels().map(move |pixel| pixel.0[channel])).collect::<Vec<_>>();
    fit(&planes, [3, height, width], to)
}

fn fit_plane(plane: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let ([height, width], [out_height, out_width]) = (from, to);
    // The largest centred window with the target's aspect ratio.
    let (crop_height, crop_width) = if width * out_height >= height * out_width {
        (height, (height * out_width).div_ceil(out_height).min(width))
    } else {
        ((width * out_height).div_ceil(out_width).min(height), width)
    };
    let (top, left) = ((height - crop_height) / 2, (width - crop_width) / 2);
    let cropped = ImageBuffer::from_fn(crop_width as u32, crop_height as u32, |x, y| {
        Luma([plane[(y as usize + top) * width + x as usize + left]])
    });
    image::imageops::resize(&cropped, out_width as u32, out_height as u32, FilterType::Triangle).into_raw()
}

fn luma(planes: &[Vec<u8>]) -> Vec<u8> {
    let weighted =
        |i: usize| 299 * u32::from(planes[0][i]) + 587 * u32::from(planes[1][i]) + 114 * u32::from(planes[2][i]);
    (0..planes[0].len()).map(|i| ((weighted(i) + 500) / 1000) as u8).collect()
}
