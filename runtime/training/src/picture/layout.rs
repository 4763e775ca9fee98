//! Pictures side by side, with small margins and small print.

use super::label;
use image::{Rgb, RgbImage, imageops};

const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const MARGIN: u32 = 2;
/// Between groups of rows that do not belong together, and around text.
const GAP: u32 = 8;

/// A row of pictures with what it shows; without pictures, a heading.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub label: String,
    pub pictures: Vec<RgbImage>,
}

/// One row of pictures over another. Pictures of one column are centred in it.
pub fn rows(rows: &[Vec<RgbImage>]) -> RgbImage {
    let row = |pictures: &Vec<RgbImage>| Row { label: String::new(), pictures: pictures.clone() };
    sheet("", &[rows.iter().map(row).collect()])
}

/// Groups of rows one over the other below a title, with the rows' labels to their left; nothing is kept free for what
/// is empty.
pub fn sheet(title: &str, groups: &[Vec<Row>]) -> RgbImage {
    let all = || groups.iter().flatten();
    let count = all().map(|row| row.pictures.len()).max().unwrap_or(0);
    let width_of =
        |column: usize| all().filter_map(|row| row.pictures.get(column)).map(RgbImage::width).max().unwrap_or(0);
    let widths: Vec<u32> = (0..count).map(width_of).collect();
    let height_of = |row: &Row| row.pictures.iter().map(RgbImage::height).max().unwrap_or(label::HEIGHT) + MARGIN;
    let beside = |row: &&Row| !row.pictures.is_empty();
    let labels = all().filter(beside).map(|row| label::width(&row.label)).max().unwrap_or(0);
    let left = if labels == 0 { MARGIN } else { labels + 2 * GAP };
    let head = if title.is_empty() { MARGIN } else { label::HEIGHT + 2 * GAP };
    let pictures = widths.iter().map(|width| width + MARGIN).sum::<u32>();
    let gaps = GAP * (groups.len() as u32).saturating_sub(1);
    let headings = all().map(|row| label::width(&row.label)).max().unwrap_or(0);
    let width = (left + pictures).max(label::width(title).max(headings) + 2 * GAP);
    let mut sheet = RgbImage::from_pixel(width, head + all().map(height_of).sum::<u32>() + gaps, PAPER);
    label::write(&mut sheet, title, GAP, GAP);
    let mut top = head;
    for group in groups {
        for row in group {
            let height = height_of(row) - MARGIN;
            label::write(&mut sheet, &row.label, GAP, top + height.saturating_sub(label::HEIGHT) / 2);
            let mut left = left;
            for (picture, width) in row.pictures.iter().zip(&widths) {
                let (x, y) = (left + (width - picture.width()) / 2, top + (height - picture.height()) / 2);
                imageops::replace(&mut sheet, picture, i64::from(x), i64::from(y));
                left += width + MARGIN;
            }
            top += height + MARGIN;
        }
        top += GAP;
    }
    sheet
}

/// Sheets side by side, centred on one another.
pub fn columns(sheets: &[RgbImage]) -> RgbImage {
    let width = sheets.iter().map(|sheet| sheet.width() + GAP).sum::<u32>().saturating_sub(GAP);
    let height = sheets.iter().map(RgbImage::height).max().unwrap_or(0);
    let mut whole = RgbImage::from_pixel(width.max(1), height.max(1), PAPER);
    let mut left = 0;
    for sheet in sheets {
        imageops::replace(&mut whole, sheet, i64::from(left), i64::from((height - sheet.height()) / 2));
        left += sheet.width() + GAP;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_titles_stand_beside_the_pictures_and_never_on_them() {
        let red = RgbImage::from_pixel(10, 20, Rgb([255, 0, 0]));
        let row = |label: &str| Row { label: label.into(), pictures: vec![red.clone(); 3] };
        let groups = [vec![row("first"), row("2")], vec![row("next")]];
        let sheet = sheet("a title that is much wider than the pictures", &groups);
        let reds = sheet.pixels().filter(|pixel| pixel.0 == [255, 0, 0]).count();
        assert_eq!(reds, 9 * 200);
        let plain = rows(&[vec![red.clone(); 3]]);
        assert_eq!((plain.width(), plain.height()), (3 * 12 + 2, 24));
        assert_eq!(columns(&[plain.clone(), sheet.clone()]).width(), plain.width() + sheet.width() + GAP);
    }
}
