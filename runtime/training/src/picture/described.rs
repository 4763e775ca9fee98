//! PNG files with a description: the sheet's title and rows are stored in the file, so that a page can lay them out.

use super::{Region, Sheet};
use anyhow::{Context, Result};
use image::RgbImage;
use serde::{Deserialize, Serialize};

/// The keyword of the text in the file.
const KEYWORD: &str = "srvae:sheet";

/// The description in a sheet's PNG file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    pub title: String,
    pub rows: Vec<Region>,
}

/// A sheet as a PNG file.
///
/// # Errors
/// An image too large for the format.
pub fn encode(sheet: &Sheet) -> Result<Vec<u8>> {
    let image = sheet.image();
    let description = Description { title: sheet.title.clone(), rows: sheet.layout().regions };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_itxt_chunk(KEYWORD.into(), serde_json::to_string(&description)?)?;
    let mut writer = encoder.write_header().context("a sheet could not be encoded as PNG")?;
    writer.write_image_data(image.as_raw()).context("a sheet could not be encoded as PNG")?;
    writer.finish()?;
    Ok(bytes)
}

/// The image of a PNG file, and its description if it is a sheet.
///
/// # Errors
/// A file that is not a PNG image.
pub fn decode(bytes: &[u8]) -> Result<(RgbImage, Option<Description>)> {
    let image = image::load_from_memory_with_format(bytes, image::ImageFormat::Png)?.into_rgb8();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info()?;
    // Text may follow the pixels.
    reader.finish()?;
    let texts = &reader.info().utf8_text;
    let text = texts.iter().find(|chunk| chunk.keyword == KEYWORD).and_then(|chunk| chunk.get_text().ok());
    let description: Option<Description> = text.and_then(|text| serde_json::from_str(&text).ok());
    let fits = |region: &Region| {
        let end = |start: u32, length: u32| start.checked_add(length);
        end(region.left, region.width).is_some_and(|right| right <= image.width())
            && end(region.top, region.height).is_some_and(|bottom| bottom <= image.height())
    };
    let description = description.filter(|description| description.rows.iter().all(fits));
    Ok((image, description))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Row;
    use image::Rgb;

    #[test]
    fn a_sheets_file_says_its_title_and_its_rows() {
        let picture = RgbImage::from_pixel(4, 4, Rgb([1, 2, 3]));
        let groups = vec![vec![Row { label: "x original".into(), pictures: vec![picture.clone(); 2] }]];
        let sheet = Sheet { title: "ä title".into(), groups };
        let (image, description) = decode(&encode(&sheet).unwrap()).unwrap();
        let description = description.unwrap();
        assert_eq!((image, description.title.as_str()), (sheet.image(), "ä title"));
        assert_eq!(description.rows, sheet.layout().regions);
        let plain = crate::picture::png(&picture).unwrap();
        assert_eq!(decode(&plain).unwrap(), (picture, None));
        assert!(decode(b"no picture").is_err());
    }
}
