//! A picture as PNG.

use anyhow::{Context, Result, bail};
use resvg::{tiny_skia, usvg};

/// Pixels of the picture to each of its units.
const ZOOM: f32 = 4.0;

/// A picture as PNG, on white.
///
/// # Errors
/// A machine without fonts: the names of the variables could not be drawn.
pub fn png(svg: &str) -> Result<Vec<u8>> {
    let mut options = usvg::Options::default();
    options.fontdb_mut().load_system_fonts();
    if options.fontdb.is_empty() {
        bail!("there are no fonts on this machine to draw the names with; --svg needs none");
    }
    // Any serif serves where the usual one is missing.
    let serif = |face: &&usvg::fontdb::FaceInfo| face.families.iter().any(|(name, _)| name.contains("Serif"));
    let face = options.fontdb.faces().find(serif).or_else(|| options.fontdb.faces().next());
    if let Some((family, _)) = face.and_then(|face| face.families.first().cloned()) {
        options.fontdb_mut().set_serif_family(family);
    }
    let tree = usvg::Tree::from_str(svg, &options)?;
    let size = tree.size().to_int_size().scale_by(ZOOM).context("the picture is too large")?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).context("the picture is too large")?;
    pixels.fill(tiny_skia::Color::WHITE);
    resvg::render(&tree, tiny_skia::Transform::from_scale(ZOOM, ZOOM), &mut pixels.as_mut());
    Ok(pixels.encode_png()?)
}
