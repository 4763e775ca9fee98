//! `srvae-run figure`: the model's graph beside what its modes draw.

use super::args::Figure;
use super::session::Session;
use super::{compiler, device};
use anyhow::{Context, Result};
use image::RgbImage;
use image::imageops::{self, FilterType};
use serde_json::json;
use srvae_training::figures::{self, Options};
use srvae_training::picture::{self, Row, enlarge};
use srvae_training::terminal::out;
use srvae_training::{Compiled, Decode, Draw};
use std::process::ExitCode;

/// Pixels a picture is wide, at least.
const WIDTH: u32 = 64;

pub fn run(models: &'static [Compiled], args: &Figure) -> Result<ExitCode> {
    let session = Session::open(models, &args.run, &device::choose(&args.common)?)?;
    let (name, examples) = session.test(&args.data, Some(args.columns))?;
    let draw = Draw { temperature: args.temperature, decode: Decode::Mode };
    let options = Options { count: args.columns, columns: args.columns, draw, seed: args.seed, ..Options::default() };
    let mut groups = Vec::new();
    for mode in session.model.modes() {
        let strips = figures::strips(session.model.as_ref(), &session.spec, mode, &examples, &options)?;
        let heading = Row { label: mode.name.replace('_', " "), pictures: Vec::new() };
        groups.push(std::iter::once(heading).chain(strips.iter().map(enlarged)).collect());
    }
    let title = format!("{} after {} steps on {}", session.spec.name, session.header.progress.step, name);
    let sheet = picture::sheet(&title, &groups);
    let whole = picture::columns(&[graph(&session, sheet.height() * 3 / 4)?, sheet]);
    let path = args.out.clone().unwrap_or_else(|| session.folder.grid("figure"));
    picture::save(&whole, &path)?;
    out(&match args.common.json {
        true => json!({ "picture": path, "width": whole.width(), "height": whole.height() }).to_string(),
        false => path.display().to_string(),
    });
    Ok(ExitCode::SUCCESS)
}

fn enlarged(strip: &Row) -> Row {
    let show = |picture: &RgbImage| enlarge(picture, (WIDTH / picture.width()).max(1));
    Row { label: strip.label.clone(), pictures: strip.pictures.iter().map(show).collect() }
}

/// The graph, so many pixels high.
fn graph(session: &Session, height: u32) -> Result<RgbImage> {
    let svg = compiler::explained(&session.spec)?.graph.context("the graph could not be drawn")?;
    let drawn = image::load_from_memory(&super::png::png(&svg)?)?.into_rgb8();
    let width = (drawn.width() * height / drawn.height().max(1)).max(1);
    Ok(imageops::resize(&drawn, width, height.max(1), FilterType::Lanczos3))
}
