//! `srvae-run interpolate`: interpolation between two images in latent space.

use super::args::Interpolate;
use super::compiler;
use super::modes::{check_sheet, inputs, open, options, tell};
use super::session::Session;
use super::sheet;
use anyhow::{Result, bail, ensure};
use srvae_training::data::Images;
use srvae_training::figures::{self, Options, Strip, Walk};
use srvae_training::picture::Sheet;
use srvae_training::{Compiled, Decode};
use std::process::ExitCode;

pub fn run(models: &'static [Compiled], args: &Interpolate) -> Result<ExitCode> {
    if let Some(out) = &args.drawing.out {
        sheet::check_place(out, args.drawing.force)?;
    }
    let sessions = open(models, &args.drawing)?;
    let images = inputs(&sessions[0], &args.input, &args.drawing)?;
    if images.len() < 2 {
        bail!("interpolation needs two images: give --input twice, or not at all to use test images");
    }
    ensure!(
        args.input.is_empty() || images.len().is_multiple_of(2),
        "interpolation needs pairs of images: {} were given with --input",
        images.len()
    );
    let pairs = if args.input.is_empty() { args.drawing.count.min(images.len()) } else { images.len() } / 2;
    let draw = args.drawing.draw(Decode::Mode);
    let options = Options { columns: args.steps + 2, ..options(&args.drawing, draw, 1) };
    let pictures = (pairs.max(1) * sessions.len()) as f64 * (args.steps + 2) as f64;
    check_sheet(&sessions[0], pictures, &options, "use fewer --steps or a smaller --count")?;
    let mut strips = Vec::new();
    for pair in 0..pairs.max(1) {
        for session in &sessions {
            let walk = walk(session, args)?;
            strips.push(one(session, &images, pair, &walk, &options, sessions.len() > 1)?);
        }
    }
    let drawn = walks(&sessions[0].title("interpolation", &options), &strips, &options);
    let path = sheet::keep(&sessions[0], "interpolation", &drawn, args.drawing.out.as_deref())?;
    tell(&args.drawing, "interpolation", &strips, &path);
    Ok(ExitCode::SUCCESS)
}

/// In the requested latents, or in those at the top of p.
fn walk(session: &Session, args: &Interpolate) -> Result<Walk> {
    let roots = compiler::roots(&session.spec)?;
    let top = args.latent.is_empty() || args.latent == roots;
    let latents = if top { roots } else { args.latent.clone() };
    Ok(Walk { latents, top, steps: args.steps })
}

fn one(session: &Session, images: &Images, pair: usize, walk: &Walk, options: &Options, named: bool) -> Result<Strip> {
    let ends = images.select(&[2 * pair, 2 * pair + 1])?;
    let mut strip = figures::interpolation(session.model.as_ref(), &session.spec, &ends, walk, options)?;
    if named {
        strip.label = format!("{} {}", strip.label, session.name());
    }
    Ok(strip)
}

/// Interpolations in rows. If all have the same label, it is printed once.
pub fn walks(title: &str, strips: &[Strip], options: &Options) -> Sheet {
    let alike = strips.iter().all(|strip| strip.label == strips[0].label);
    let title = if alike { format!("{title}; {}", strips[0].label) } else { title.to_owned() };
    let label = |strip: &Strip| if alike { String::new() } else { strip.label.clone() };
    let rows: Vec<Strip> =
        strips.iter().map(|strip| Strip { label: label(strip), pictures: strip.pictures.clone() }).collect();
    figures::sheet(&title, &rows, options)
}
