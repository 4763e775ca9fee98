//! A drawing as PDF, for papers: lines and letters as curves, images as pixels.

use super::png;
use anyhow::{Context, Result};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};
use resvg::tiny_skia::{PathSegment, Point, Transform};
use resvg::usvg::{Group, Image, ImageKind, Node, Paint, Path};

/// Points to a unit of SVG, which is a 96th of an inch.
const POINTS: f32 = 0.75;

/// An SVG document as a PDF file of one page of its size.
///
/// # Errors
/// A machine without fonts, or an SVG document that cannot be read.
pub fn pdf(svg: &str) -> Result<Vec<u8>> {
    let tree = png::tree(svg)?;
    let (width, height) = (tree.size().width() * POINTS, tree.size().height() * POINTS);
    let mut page = Page { content: Content::new(), images: Vec::new() };
    // PDF's vertical axis points up.
    page.content.transform([POINTS, 0.0, 0.0, -POINTS, 0.0, height]);
    page.group(tree.root())?;
    let (catalog, pages, leaf, content) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4));
    let image_id = |at: usize| Ref::new(5 + at as i32);
    let mut file = Pdf::new();
    file.catalog(catalog).pages(pages);
    file.pages(pages).kids([leaf]).count(1);
    let mut dictionary = file.page(leaf);
    dictionary.media_box(Rect::new(0.0, 0.0, width, height)).parent(pages).contents(content);
    let mut resources = dictionary.resources();
    let mut names = resources.x_objects();
    for at in 0..page.images.len() {
        names.pair(Name(name(at).as_bytes()), image_id(at));
    }
    names.finish();
    resources.finish();
    dictionary.finish();
    for (at, pixels) in page.images.iter().enumerate() {
        let packed = deflate(pixels.as_raw())?;
        let mut image = file.image_xobject(image_id(at), &packed);
        image.filter(Filter::FlateDecode);
        image.width(pixels.width() as i32).height(pixels.height() as i32);
        image.color_space().device_rgb();
        image.bits_per_component(8);
    }
    let packed = deflate(&page.content.finish())?;
    file.stream(content, &packed).filter(Filter::FlateDecode);
    Ok(file.finish())
}

fn name(image: usize) -> String {
    format!("P{image}")
}

fn deflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes)?;
    Ok(encoder.finish()?)
}

/// A page under construction.
struct Page {
    content: Content,
    images: Vec<image::RgbImage>,
}

impl Page {
    fn group(&mut self, group: &Group) -> Result<()> {
        for node in group.children() {
            match node {
                Node::Group(group) => self.group(group)?,
                Node::Path(path) => self.path(path),
                Node::Image(image) => self.image(image)?,
                Node::Text(text) => self.group(text.flattened())?,
            }
        }
        Ok(())
    }

    fn path(&mut self, path: &Path) {
        let place = path.abs_transform();
        let (fill, stroke) = (path.fill().and_then(|fill| colour(fill.paint())), path.stroke());
        let line = stroke.and_then(|stroke| colour(stroke.paint()));
        let page = &mut self.content;
        page.save_state().transform(matrix(place));
        if let Some([red, green, blue]) = fill {
            page.set_fill_rgb(red, green, blue);
        }
        if let (Some([red, green, blue]), Some(stroke)) = (line, stroke) {
            page.set_stroke_rgb(red, green, blue).set_line_width(stroke.width().get());
            page.set_dash_pattern(stroke.dasharray().unwrap_or_default().iter().copied(), stroke.dashoffset());
        }
        segments(page, path);
        match (fill.is_some(), line.is_some()) {
            (true, true) => page.fill_nonzero_and_stroke(),
            (true, false) => page.fill_nonzero(),
            (false, true) => page.stroke(),
            (false, false) => page.end_path(),
        };
        page.restore_state();
    }

    fn image(&mut self, image: &Image) -> Result<()> {
        let ImageKind::PNG(bytes) = image.kind() else { return Ok(()) };
        let pixels = image::load_from_memory(bytes).context("a picture of the figure cannot be read")?.into_rgb8();
        let size = image.size();
        // A PDF image has the size of one unit, with its origin at the lower edge.
        let upright = Transform::from_row(size.width(), 0.0, 0.0, -size.height(), 0.0, size.height());
        let place = image.abs_transform().pre_concat(upright);
        self.content.save_state().transform(matrix(place));
        self.content.x_object(Name(name(self.images.len()).as_bytes())).restore_state();
        self.images.push(pixels);
        Ok(())
    }
}

fn matrix(place: Transform) -> [f32; 6] {
    [place.sx, place.ky, place.kx, place.sy, place.tx, place.ty]
}

/// The compiler's drawings and the sheets use only plain colours.
fn colour(paint: &Paint) -> Option<[f32; 3]> {
    match paint {
        Paint::Color(colour) => Some([colour.red, colour.green, colour.blue].map(|part| f32::from(part) / 255.0)),
        _ => None,
    }
}

fn segments(page: &mut Content, path: &Path) {
    let mut at = Point::zero();
    for segment in path.data().segments() {
        match segment {
            PathSegment::MoveTo(to) => {
                page.move_to(to.x, to.y);
                at = to;
            }
            PathSegment::LineTo(to) => {
                page.line_to(to.x, to.y);
                at = to;
            }
            PathSegment::QuadTo(control, to) => {
                // The equivalent cubic curve.
                let third =
                    |end: Point| (end.x + 2.0 * (control.x - end.x) / 3.0, end.y + 2.0 * (control.y - end.y) / 3.0);
                let ((x1, y1), (x2, y2)) = (third(at), third(to));
                page.cubic_to(x1, y1, x2, y2, to.x, to.y);
                at = to;
            }
            PathSegment::CubicTo(a, b, to) => {
                page.cubic_to(a.x, a.y, b.x, b.y, to.x, to.y);
                at = to;
            }
            PathSegment::Close => {
                page.close_path();
            }
        }
    }
}
