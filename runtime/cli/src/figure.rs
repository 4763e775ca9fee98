//! `srvae-run figure`: the model's graph beside examples of its modes.

use super::args::Figure;
use super::modes::{check_sheet, default_decode};
use super::pdf::pdf;
use super::session::{Session, decode_text};
use super::sheet::{self, Format};
use super::{compiler, device};
use anyhow::{Context, Result, ensure};
use image::RgbImage;
use image::imageops::{self, FilterType};
use serde_json::json;
use srvae_training::figures::{self, Options};
use srvae_training::files;
use srvae_training::interrupt;
use srvae_training::picture::{self, Row, Sheet, enlarge};
use srvae_training::terminal::out;
use srvae_training::{Compiled, Draw, Mode};
use std::process::ExitCode;

/// The minimum width of an image in pixels.
const WIDTH: u32 = 64;

pub fn run(models: &'static [Compiled], args: &Figure) -> Result<ExitCode> {
    if let Some(out) = &args.out {
        sheet::check_place(out, args.force)?;
    }
    interrupt::listen();
    let session = Session::open(models, &args.run, &device::choose(&args.common)?)?;
    let (name, examples) = (session.data_name(&args.data), session.test(&args.data, Some(args.columns))?.1);
    let modes: Vec<&Mode> =
        session.model.modes().iter().filter(|mode| figures::displays(&session.spec, mode)).collect();
    ensure!(
        !modes.is_empty(),
        "this model has no images to show; `explain FILE --svg graph.svg` draws its graph alone"
    );
    let pictures = (args.columns * modes.len()) as f64;
    check_sheet(&session, pictures, &Options::default(), "use fewer --columns")?;
    let mut groups = Vec::new();
    for mode in modes {
        let draw = Draw { temperature: args.temperature, decode: default_decode(mode), top: None };
        let options =
            Options { count: args.columns, columns: args.columns, draw, seed: args.seed, ..Options::default() };
        let strips = figures::strips(session.model.as_ref(), &session.spec, mode, &examples, &options)?;
        let how = decode_text(draw.decode);
        let heading = Row { label: format!("{}, {how}", mode.name.replace('_', " ")), pictures: Vec::new() };
        groups.push(std::iter::once(heading).chain(strips.iter().map(enlarged)).collect());
    }
    let title = format!("{} after {} steps on {}", session.spec.name, session.header.progress.step, name);
    let sheet = Sheet { title, groups };
    let path = args.out.clone().unwrap_or_else(|| session.folder.grid("figure"));
    let graph = compiler::explained(&session.spec)?.graph.context("the graph could not be drawn")?;
    let bytes = match sheet::format(&path)? {
        Format::Png => raster(&graph, &sheet.image())?,
        Format::Svg => beside(&graph, &picture::svg(&sheet)?)?.into_bytes(),
        Format::Pdf => pdf(&beside(&graph, &picture::svg(&sheet)?)?)?,
    };
    files::write(&path, &bytes)?;
    out(&match args.common.json {
        true => json!({ "picture": path }).to_string(),
        false => path.display().to_string(),
    });
    Ok(ExitCode::SUCCESS)
}

fn enlarged(strip: &Row) -> Row {
    let show = |picture: &RgbImage| enlarge(picture, (WIDTH / picture.width()).max(1));
    Row { label: strip.label.clone(), pictures: strip.pictures.iter().map(show).collect() }
}

/// The graph beside the sheet, as PNG.
fn raster(graph: &str, sheet: &RgbImage) -> Result<Vec<u8>> {
    let height = sheet.height() * 3 / 4;
    let drawn = image::load_from_memory(&super::png::png(graph)?)?.into_rgb8();
    let width = (drawn.width() * height / drawn.height().max(1)).max(1);
    let graph = imageops::resize(&drawn, width, height.max(1), FilterType::Lanczos3);
    picture::png(&picture::columns(&[graph, sheet.clone()]))
}

/// Two SVG documents side by side, vertically centred; the first has three quarters of the second's height.
fn beside(left: &str, right: &str) -> Result<String> {
    let ([left_width, left_height], [right_width, right_height]) = (size(left)?, size(right)?);
    let zoom = 0.75 * right_height / left_height.max(1.0);
    let (width, height) = (left_width * zoom, left_height * zoom);
    let inner = |svg: &str, x: f64, y: f64, width: f64, height: f64| {
        let rest = svg.split_once("viewBox=").map_or("", |(_, rest)| rest);
        let rest = without_size(rest);
        format!("<svg x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" viewBox={rest}")
    };
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.1}\" height=\"{right_height:.1}\" \
         viewBox=\"0 0 {0:.1} {right_height:.1}\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{1}{2}</svg>\n",
        width + right_width,
        inner(left, 0.0, (right_height - height) / 2.0, width, height),
        inner(right, width, 0.0, right_width, right_height),
    ))
}

/// Width and height of one of our SVG documents.
fn size(svg: &str) -> Result<[f64; 2]> {
    let numbers = svg.split_once("viewBox=\"").and_then(|(_, rest)| rest.split_once('"'));
    let numbers: Vec<f64> =
        numbers.map_or(Vec::new(), |(text, _)| text.split(' ').filter_map(|part| part.parse().ok()).collect());
    match numbers.as_slice() {
        &[_, _, width, height] => Ok([width, height]),
        _ => anyhow::bail!("a drawing without a size; this is a bug in srvae, please report it"),
    }
}

/// The text after `viewBox=` without the first width and height, which are set by the outer element.
fn without_size(rest: &str) -> String {
    let mut text = rest.to_owned();
    for name in [" width=\"", " height=\""] {
        if let Some(start) = text.find(name)
            && let Some(length) = text[start + name.len()..].find('"')
        {
            text.replace_range(start..start + name.len() + length + 1, "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_drawings_stand_side_by_side() {
        let one = |width: u32, height: u32| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
                 height=\"{height}\" fill=\"none\">\n<rect width=\"3\" height=\"4\"/></svg>\n"
            )
        };
        let both = beside(&one(10, 30), &one(100, 40)).unwrap();
        assert_eq!(size(&both).unwrap(), [110.0, 40.0]);
        assert!(
            both.contains("<svg x=\"0.0\" y=\"5.0\" width=\"10.0\" height=\"30.0\" viewBox=\"0 0 10 30\" fill"),
            "{both}"
        );
        assert!(both.contains("<svg x=\"10.0\" y=\"0.0\" width=\"100.0\" height=\"40.0\""), "{both}");
        assert_eq!(both.matches("<rect width=\"3\" height=\"4\"/>").count(), 2);
    }
}
