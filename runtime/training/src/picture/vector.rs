//! Sheets as SVG, with images embedded and text as text.

use super::layout::FRAME;
use super::{Sheet, base64, label, png};
use anyhow::Result;
use std::fmt::Write;

/// The font size for which a letter is as wide as in the sheet's pixels.
const FONT_SIZE: f64 = 13.3;
/// The baseline below a text's upper edge.
const BASELINE: u32 = 12;

/// A sheet as an SVG document, with one unit per pixel.
///
/// # Errors
/// An image without pixels.
pub fn svg(sheet: &Sheet) -> Result<String> {
    let layout = sheet.layout();
    let (width, height) = (layout.width.max(1), layout.height.max(1));
    let mut body = String::new();
    for (text, left, top) in &layout.texts {
        let (baseline, length) = (top + BASELINE, label::width(text));
        let text = crate::printable::escape(text);
        // Writing to a string cannot fail.
        writeln!(body, "<text x=\"{left}\" y=\"{baseline}\" textLength=\"{length}\">{text}</text>").ok();
    }
    for (picture, left, top) in &layout.pictures {
        let (wide, high) = picture.dimensions();
        let place = |more: f64| format!("x=\"{}\" y=\"{}\"", f64::from(*left) - more, f64::from(*top) - more);
        let data = base64(&png(picture)?);
        let (place, around) = (place(0.0), place(0.5));
        writeln!(
            body,
            "<image {place} width=\"{wide}\" height=\"{high}\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,{data}\"/>\n\
             <rect {around} width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"rgb({},{},{})\"/>",
            wide + 1,
            high + 1,
            FRAME[0],
            FRAME[1],
            FRAME[2]
        )
        .ok();
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"'DejaVu Sans Mono', 'Noto Sans Mono', monospace\" font-size=\"{FONT_SIZE}\" fill=\"#282828\">\n\
         <title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n",
        crate::printable::escape(&sheet.title)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Row;
    use image::RgbImage;

    #[test]
    fn text_stays_text_and_every_picture_is_there() {
        let row = Row { label: "x & y".into(), pictures: vec![RgbImage::new(3, 2); 4] };
        let text = svg(&Sheet { title: "a <title>".into(), groups: vec![vec![row]] }).unwrap();
        assert_eq!(text.matches("<image ").count(), 4);
        for part in [">x &amp; y</text>", ">a &lt;title&gt;</text>", "width=\"3\" height=\"2\""] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
