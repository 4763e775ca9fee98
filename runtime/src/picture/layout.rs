//! Pictures side by side, with small margins.

use image::{Rgb, RgbImage, imageops};

const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const MARGIN: u32 = 2;
/// Between groups of pictures that do not belong together.
const GAP: u32 = 8;

/// As many columns as rows, or one or two more.
pub fn square(pictures: &[RgbImage]) -> RgbImage {
    let columns = (pictures.len() as f64).sqrt().ceil().max(1.0) as usize;
    rows(&pictures.chunks(columns).map(<[RgbImage]>::to_vec).collect::<Vec<_>>())
}

/// One row of pictures over another. Pictures of one column are centred in it.
pub fn rows(rows: &[Vec<RgbImage>]) -> RgbImage {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width_of =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(RgbImage::width).max().unwrap_or(0);
    let widths: Vec<u32> = (0..count).map(width_of).collect();
    let heights: Vec<u32> = rows.iter().map(|row| row.iter().map(RgbImage::height).max().unwrap_or(0)).collect();
    let extent = |lengths: &[u32]| lengths.iter().map(|length| length + MARGIN).sum::<u32>() + MARGIN;
    let mut sheet = RgbImage::from_pixel(extent(&widths), extent(&heights), PAPER);
    let mut top = MARGIN;
    for (row, height) in rows.iter().zip(&heights) {
        let mut left = MARGIN;
        for (picture, width) in row.iter().zip(&widths) {
            let (x, y) = (left + (width - picture.width()) / 2, top + (height - picture.height()) / 2);
            imageops::replace(&mut sheet, picture, i64::from(x), i64::from(y));
            left += width + MARGIN;
        }
        top += height + MARGIN;
    }
    sheet
}

/// Sheets side by side with a wider gap.
pub fn columns(sheets: &[RgbImage]) -> RgbImage {
    let width = sheets.iter().map(|sheet| sheet.width() + GAP).sum::<u32>().saturating_sub(GAP);
    let height = sheets.iter().map(RgbImage::height).max().unwrap_or(0);
    let mut whole = RgbImage::from_pixel(width.max(1), height.max(1), PAPER);
    let mut left = 0;
    for sheet in sheets {
        imageops::replace(&mut whole, sheet, i64::from(left), 0);
        left += sheet.width() + GAP;
    }
    whole
}
