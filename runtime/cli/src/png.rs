//! An SVG document as PNG.

use anyhow::{Context, Result, bail};
use resvg::{tiny_skia, usvg};

/// Pixels per unit of the document.
const ZOOM: f32 = 4.0;

/// An SVG document as a PNG file, on white.
///
/// # Errors
/// A machine without fonts, or an SVG document that cannot be read.
pub fn png(svg: &str) -> Result<Vec<u8>> {
    let tree = tree(svg)?;
    let size = tree.size().to_int_size().scale_by(ZOOM).context("the picture is too large")?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).context("the picture is too large")?;
    pixels.fill(tiny_skia::Color::WHITE);
    resvg::render(&tree, tiny_skia::Transform::from_scale(ZOOM, ZOOM), &mut pixels.as_mut());
    Ok(pixels.encode_png()?)
}

/// An SVG document with its text as curves.
///
/// # Errors
/// A machine without fonts, or an SVG document that cannot be read.
pub fn tree(svg: &str) -> Result<usvg::Tree> {
    let mut options = usvg::Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_system_fonts();
    if fonts.is_empty() {
        bail!("this machine has no fonts to draw text with; write an .svg file, which needs none");
    }
    // If the usual font is missing, any font is used.
    let family = |word: &str| {
        let named = |face: &&usvg::fontdb::FaceInfo| face.families.iter().any(|(name, _)| name.contains(word));
        let face = fonts.faces().find(named).or_else(|| fonts.faces().next());
        face.and_then(|face| face.families.first()).map(|(name, _)| name.clone())
    };
    let (serif, monospace) = (family("Serif"), family("Mono"));
    if let Some(name) = serif {
        fonts.set_serif_family(name);
    }
    if let Some(name) = monospace {
        fonts.set_monospace_family(name);
    }
    Ok(usvg::Tree::from_str(svg, &options)?)
}
