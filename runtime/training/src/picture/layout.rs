//! A sheet: labelled rows of images below a title, and the layout of all elements.

use super::label;
use image::{Rgb, RgbImage, imageops};
use serde::{Deserialize, Serialize};

pub(super) const PAPER: Rgb<u8> = Rgb([255; 3]);
/// The colour of the frame around each image, so that white images are visible on a white background.
pub(super) const FRAME: Rgb<u8> = Rgb([168; 3]);
/// The distance between two images, which includes both frames.
const MARGIN: u32 = 4;
/// The distance between groups of rows, and around text.
const GAP: u32 = 8;

/// A row of images with its label. Without images, a heading.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub label: String,
    pub pictures: Vec<RgbImage>,
}

/// Groups of rows below a title.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    pub title: String,
    pub groups: Vec<Vec<Row>>,
}

/// A row of a finished sheet: its label, and the rectangle of its images in pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    pub label: String,
    /// The group of the row.
    pub group: usize,
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// The positions of all elements of a sheet, in pixels.
pub(super) struct Layout<'s> {
    pub width: u32,
    pub height: u32,
    /// Lines of text with their upper left corners.
    pub texts: Vec<(&'s str, u32, u32)>,
    /// Images with their upper left corners.
    pub pictures: Vec<(&'s RgbImage, u32, u32)>,
    pub regions: Vec<Region>,
}

impl Sheet {
    /// Labels are left of their rows. Images of one column are centred in it. An empty title and empty labels take no
    /// space.
    pub(super) fn layout(&self) -> Layout<'_> {
        let all = || self.groups.iter().flatten();
        let count = all().map(|row| row.pictures.len()).max().unwrap_or(0);
        let width_of =
            |column: usize| all().filter_map(|row| row.pictures.get(column)).map(RgbImage::width).max().unwrap_or(1);
        let widths: Vec<u32> = (0..count).map(width_of).collect();
        let beside = |row: &&Row| !row.pictures.is_empty();
        let labels = all().filter(beside).map(|row| label::width(&row.label)).max().unwrap_or(0);
        let left = if labels == 0 { MARGIN } else { labels + 2 * GAP };
        let headings = all().map(|row| label::width(&row.label)).max().unwrap_or(0).max(label::width(&self.title));
        let pictures: u32 = widths.iter().map(|width| width + MARGIN).sum();
        let mut layout = Layout {
            width: (left + pictures).max(headings + 2 * GAP),
            height: if self.title.is_empty() { MARGIN } else { label::HEIGHT + 2 * GAP },
            texts: Vec::new(),
            pictures: Vec::new(),
            regions: Vec::new(),
        };
        layout.add_text(&self.title, GAP);
        for (group, rows) in self.groups.iter().enumerate() {
            layout.height += if group > 0 { GAP } else { 0 };
            rows.iter().for_each(|row| layout.add_row(row, group, left, &widths));
        }
        layout
    }

    /// The sheet as an image.
    pub fn image(&self) -> RgbImage {
        let layout = self.layout();
        let mut image = RgbImage::from_pixel(layout.width.max(1), layout.height.max(1), PAPER);
        for (text, left, top) in &layout.texts {
            label::write(&mut image, text, *left, *top);
        }
        for &(picture, left, top) in &layout.pictures {
            let frame = RgbImage::from_pixel(picture.width() + 2, picture.height() + 2, FRAME);
            imageops::replace(&mut image, &frame, i64::from(left) - 1, i64::from(top) - 1);
            imageops::replace(&mut image, picture, i64::from(left), i64::from(top));
        }
        image
    }
}

impl<'s> Layout<'s> {
    fn add_text(&mut self, text: &'s str, top: u32) {
        if !text.is_empty() {
            self.texts.push((text, GAP, top));
        }
    }

    /// Adds a row below the existing ones.
    fn add_row(&mut self, row: &'s Row, group: usize, left: u32, widths: &[u32]) {
        let height = row.pictures.iter().map(RgbImage::height).max().unwrap_or(label::HEIGHT);
        let top = self.height;
        self.add_text(&row.label, top + height.saturating_sub(label::HEIGHT) / 2);
        let mut at = left;
        for (picture, width) in row.pictures.iter().zip(widths) {
            self.pictures.push((picture, at + (width - picture.width()) / 2, top + (height - picture.height()) / 2));
            at += width + MARGIN;
        }
        if !row.pictures.is_empty() {
            let (left, top) = (left - 1, top - 1);
            let (label, width) = (row.label.clone(), at - MARGIN + 1 - left);
            self.regions.push(Region { label, group, left, top, width, height: height + 2 });
        }
        self.height += height + MARGIN;
    }
}

/// Rows of images, one below the other, without text.
pub fn rows(rows: &[Vec<RgbImage>]) -> RgbImage {
    let row = |pictures: &Vec<RgbImage>| Row { label: String::new(), pictures: pictures.clone() };
    Sheet { title: String::new(), groups: vec![rows.iter().map(row).collect()] }.image()
}

/// Images side by side, centred on one another.
pub fn columns(images: &[RgbImage]) -> RgbImage {
    let width = images.iter().map(|image| image.width() + GAP).sum::<u32>().saturating_sub(GAP);
    let height = images.iter().map(RgbImage::height).max().unwrap_or(0);
    let mut whole = RgbImage::from_pixel(width.max(1), height.max(1), PAPER);
    let mut left = 0;
    for image in images {
        imageops::replace(&mut whole, image, i64::from(left), i64::from((height - image.height()) / 2));
        left += image.width() + GAP;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet_of(picture: &RgbImage) -> Sheet {
        let row = |label: &str| Row { label: label.into(), pictures: vec![picture.clone(); 3] };
        let groups = vec![vec![row("first"), row("2")], vec![row("next")]];
        Sheet { title: "a title that is much wider than the pictures are".into(), groups }
    }

    #[test]
    fn labels_and_titles_stand_beside_the_pictures_and_never_on_them() {
        let red = RgbImage::from_pixel(10, 20, Rgb([255, 0, 0]));
        let image = sheet_of(&red).image();
        let reds = image.pixels().filter(|pixel| pixel.0 == [255, 0, 0]).count();
        assert_eq!(reds, 9 * 200);
        let plain = rows(&[vec![red.clone(); 3]]);
        assert_eq!((plain.width(), plain.height()), (3 * (10 + MARGIN) + MARGIN, 20 + 2 * MARGIN));
        assert_eq!(columns(&[plain.clone(), image.clone()]).width(), plain.width() + image.width() + GAP);
    }

    #[test]
    fn a_white_picture_has_a_border_on_white_paper() {
        let white = RgbImage::from_pixel(6, 6, Rgb([255; 3]));
        let image = rows(&[vec![white.clone(), white]]);
        let frame = image.pixels().filter(|pixel| **pixel == FRAME).count();
        assert_eq!(frame, 2 * (4 * 6 + 4), "a closed line around each of the two");
        assert_eq!((*image.get_pixel(3, 3), *image.get_pixel(4, 4)), (FRAME, PAPER));
    }

    #[test]
    fn regions_hold_the_pictures_of_their_row_with_their_frames_and_nothing_else() {
        let sheet = sheet_of(&RgbImage::from_pixel(10, 20, Rgb([255, 0, 0])));
        let image = sheet.image();
        let layout = sheet.layout();
        let named: Vec<_> = layout.regions.iter().map(|region| (region.label.as_str(), region.group)).collect();
        assert_eq!(named, [("first", 0), ("2", 0), ("next", 1)]);
        for region in &layout.regions {
            let part = imageops::crop_imm(&image, region.left, region.top, region.width, region.height).to_image();
            assert_eq!((part.width(), part.height()), (3 * 12 + 2 * (MARGIN - 2), 22));
            assert_eq!(part.pixels().filter(|pixel| pixel.0 == [255, 0, 0]).count(), 600);
            assert_eq!((*part.get_pixel(0, 0), *part.get_pixel(part.width() - 1, 21)), (FRAME, FRAME));
        }
    }
}
