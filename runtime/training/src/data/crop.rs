//! The window of each image that is used, as in the preparation of data sets of faces.

use anyhow::{Error, Result, ensure};
use image::RgbImage;
use std::fmt;
use std::str::FromStr;

/// `WIDTHxHEIGHT+LEFT+TOP`, or centred: `WIDTHxHEIGHT` or `SIDE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    width: u32,
    height: u32,
    corner: Option<[u32; 2]>,
}

impl Crop {
    /// # Errors
    /// An image smaller than the window.
    pub fn apply(self, picture: &RgbImage) -> Result<RgbImage> {
        let (width, height) = picture.dimensions();
        let centre = |whole: u32, part: u32| whole.saturating_sub(part) / 2;
        let [left, top] = self.corner.unwrap_or([centre(width, self.width), centre(height, self.height)]);
        let inside = |from: u32, size: u32, whole: u32| from.checked_add(size).is_some_and(|end| end <= whole);
        ensure!(
            inside(left, self.width, width) && inside(top, self.height, height),
            "the image is {width}x{height}, and --crop {self} reaches past its border"
        );
        Ok(image::imageops::crop_imm(picture, left, top, self.width, self.height).to_image())
    }
}

impl fmt::Display for Crop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}x{}", self.width, self.height)?;
        match self.corner {
            Some([left, top]) => write!(out, "+{left}+{top}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Crop {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::msg(format!(
                "`{text}` is not a window; it is written WIDTHxHEIGHT+LEFT+TOP, such as 148x148+15+40, or WIDTHxHEIGHT or SIDE \
                 about the centre"
            ))
        };
        let (size, corner) = match text.split_once('+') {
            Some((size, corner)) => (size, Some(corner.split_once('+').ok_or_else(wrong)?)),
            None => (text, None),
        };
        let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        let (width, height) = size.split_once('x').unwrap_or((size, size));
        let crop = Self {
            width: number(width)?,
            height: number(height)?,
            corner: corner.map(|(left, top)| Ok::<_, Error>([number(left)?, number(top)?])).transpose()?,
        };
        if crop.width == 0 || crop.height == 0 { Err(wrong()) } else { Ok(crop) }
    }
}

#[cfg(test)]
mod tests {
    use super::Crop;
    use image::{Rgb, RgbImage};

    #[test]
    fn windows_are_written_and_read_and_cut() {
        let picture = RgbImage::from_fn(178, 218, |x, y| Rgb([x as u8, y as u8, 0]));
        for (text, corner, size) in
            [("148x148+15+40", [15, 40], (148, 148)), ("148", [15, 35], (148, 148)), ("100x50", [39, 84], (100, 50))]
        {
            let crop: Crop = text.parse().unwrap();
            assert_eq!(crop.to_string().parse::<Crop>().unwrap(), crop);
            let cut = crop.apply(&picture).unwrap();
            assert_eq!((cut.dimensions(), cut.get_pixel(0, 0).0[..2].to_vec()), (size, corner.to_vec()), "{text}");
        }
        for text in ["", "x", "0", "5x", "5x5+1", "5x5+1+", "-3", "4x4+1+2+3"] {
            assert!(text.parse::<Crop>().is_err(), "{text}");
        }
        let error = "148x148+40+15".parse::<Crop>().unwrap().apply(&picture).unwrap_err().to_string();
        assert!(error.contains("178x218") && error.contains("148x148+40+15"), "{error}");
    }
}
