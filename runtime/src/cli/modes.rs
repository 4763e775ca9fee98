//! `srvae-run sample | reconstruct | regenerate | upscale | interpolate`: a trained model's modes as pictures.

use super::args::{self, DecodeChoice};
use super::device;
use super::session::Session;
use crate::data::{self, Images};
use crate::figures::{self, Options, Strip};
use crate::picture;
use crate::terminal::{note, out};
use crate::{Compiled, Decode, Draw, Mode};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The modes that have a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sample,
    Reconstruct,
    Regenerate,
    Upscale,
}

impl Kind {
    /// What the compiler calls the mode; several modes of the kind have more after it.
    fn mode(self) -> &'static str {
        match self {
            Self::Sample => "generation",
            Self::Reconstruct => "reconstruction",
            Self::Regenerate => "generative_reconstruction",
            Self::Upscale => "conditional_generation",
        }
    }
}

pub fn run(models: &'static [Compiled], kind: Kind, args: &args::Mode) -> Result<ExitCode> {
    let session = Session::open(models, &args.run, &device::choose(&args.common)?)?;
    let mode = find(&session, kind)?;
    let images =
        if mode.given.is_empty() { Images::empty(session.spec.picture_shape()) } else { inputs(&session, args)? };
    let options =
        Options { count: args.count, draws: args.draws, draw: draw(kind, args), seed: args.seed, ..Options::default() };
    let strips = figures::strips(session.model.as_ref(), &session.spec, mode, &images, &options)?;
    let path = args.out.clone().unwrap_or_else(|| session.folder.grid(mode.name));
    picture::save(&figures::sheet(&strips, &options), &path)?;
    tell(args, mode.name, &strips, &path);
    Ok(ExitCode::SUCCESS)
}

pub fn interpolate(models: &'static [Compiled], args: &args::Interpolate) -> Result<ExitCode> {
    let session = Session::open(models, &args.mode.run, &device::choose(&args.mode.common)?)?;
    let images = inputs(&session, &args.mode)?;
    if images.len() < 2 {
        bail!("interpolation goes from one picture to another: give --input twice, or none to take test pictures");
    }
    let count = if args.mode.input.is_empty() { args.mode.count.min(images.len()) } else { images.len() };
    let options = Options {
        columns: args.steps + 2,
        draw: draw(Kind::Regenerate, &args.mode),
        seed: args.mode.seed,
        ..Options::default()
    };
    let mut strips = Vec::new();
    for pair in 0..count / 2 {
        let ends = images.select(&[2 * pair, 2 * pair + 1]);
        strips.push(figures::interpolation(session.model.as_ref(), &session.spec, &ends, args.steps, &options)?);
    }
    let path = args.mode.out.clone().unwrap_or_else(|| session.folder.grid("interpolation"));
    picture::save(&figures::sheet(&strips, &options), &path)?;
    tell(&args.mode, "interpolation", &strips, &path);
    Ok(ExitCode::SUCCESS)
}

fn tell(args: &args::Mode, mode: &str, strips: &[Strip], path: &Path) {
    let labels: Vec<&str> = strips.iter().map(|strip| strip.label.as_str()).collect();
    if args.common.json {
        let count = strips.first().map_or(0, |strip| strip.pictures.len());
        out(&json!({ "mode": mode, "picture": path, "rows": labels, "count": count, "seed": args.seed }).to_string());
    } else {
        note(&format!("{mode}: rows are {}", labels.join(", ")));
        out(&path.display().to_string());
    }
}

fn find(session: &Session, kind: Kind) -> Result<&'static Mode> {
    let modes = session.model.modes();
    let named = modes.iter().find(|mode| mode.name == kind.mode());
    let named = named.or_else(|| modes.iter().find(|mode| mode.name.starts_with(kind.mode())));
    named.with_context(|| {
        let names: Vec<&str> = modes.iter().map(|mode| mode.name).collect();
        format!("model {} has no mode {}; its graph allows {}", session.spec.name, kind.mode(), names.join(", "))
    })
}

/// Pictures of the user's own, or else the test pictures.
fn inputs(session: &Session, args: &args::Mode) -> Result<Images> {
    if args.input.is_empty() {
        return Ok(session.data(&args.data)?.test);
    }
    read(&args.input, session.spec.picture_shape())
}

/// Picture files, each cropped and resized to `shape`.
fn read(files: &[PathBuf], shape: [usize; 3]) -> Result<Images> {
    let pictures: Vec<Vec<u8>> =
        files.iter().map(|file| Ok(data::resize_rgb(&data::open_picture(file)?, shape))).collect::<Result<_>>()?;
    Images::new(shape, pictures.concat(), None)
}

/// What is anew is drawn; what is to be held against an original is the likeliest.
fn draw(kind: Kind, args: &args::Mode) -> Draw {
    let decode = match (args.decode, kind) {
        (Some(DecodeChoice::Sample), _) | (None, Kind::Sample) => Decode::Sample,
        (Some(DecodeChoice::Mode), _) | (None, _) => Decode::Mode,
    };
    Draw { temperature: args.temperature, decode }
}
