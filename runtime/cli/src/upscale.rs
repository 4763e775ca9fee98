//! `srvae-run upscale`: full-size images given downscaled ones.

use super::args::Upscale;
use super::modes::{self, CONDITIONAL, find, inputs, options, output, tiled};
use super::session::Session;
use super::sheet;
use anyhow::{Result, ensure};
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use serde_json::{Value, json};
use srvae_training::data;
use srvae_training::figures;
use srvae_training::picture::{self, Planes, Row, Sheet};
use srvae_training::terminal::out;
use srvae_training::{Compiled, Decode, Mode};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

pub fn run(models: &'static [Compiled], args: &Upscale) -> Result<ExitCode> {
    let sessions = modes::open(models, &args.drawing)?;
    let kind = match &args.from {
        Some(variable) if sessions[0].model.modes().iter().any(|mode| mode.name == CONDITIONAL) => {
            let mode = find(&sessions[0], CONDITIONAL)?;
            ensure!(
                mode.given.contains(&variable.as_str()),
                "--from {variable}: mode {CONDITIONAL} is given {}",
                mode.given.join(", ")
            );
            CONDITIONAL.to_owned()
        }
        Some(variable) => format!("{CONDITIONAL}_{variable}"),
        None => CONDITIONAL.to_owned(),
    };
    let draw = args.drawing.draw(Decode::Mode);
    if args.input.is_empty() {
        let images = inputs(&sessions[0], &[], &args.drawing)?;
        let options = options(&args.drawing, draw, args.draws);
        let all = modes::all(&sessions, &kind)?;
        return modes::draw_sheet(&sessions, &all, &images, &options, &args.drawing);
    }
    let mode = find(&sessions[0], &kind)?;
    let files = modes::pictures(&args.input)?;
    for file in &files {
        for line in picture(&sessions[0], mode, file, &files, args)? {
            out(&if args.drawing.common.json { line.to_string() } else { said(&line) });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One image, once for each draw.
fn picture(session: &Session, mode: &Mode, file: &Path, files: &[PathBuf], args: &Upscale) -> Result<Vec<Value>> {
    let (given, [channels, ..]) = figures::given(&session.spec, mode)?;
    let photo = data::open_picture(file)?;
    let original = args.reduce.then(|| whole(session, mode, &photo)).transpose()?;
    let small = match &original {
        Some(original) => figures::reduce(session.model.as_ref(), &session.spec, mode, original)?,
        None => Planes::of(&photo, channels),
    };
    let mut lines = Vec::new();
    for number in 1..=args.draws {
        let path = output(session, file, mode.name, &args.drawing, files, (number, args.draws))?;
        let begun = Instant::now();
        let seed = args.drawing.seed + number as u64 - 1;
        let large = tiled(session, mode, &small, args.drawing.draw(Decode::Mode), seed, args.overlap)?;
        picture::save(&large.image(), &path)?;
        let mut line = json!({
            "mode": mode.name,
            "picture": path,
            "input": file,
            "given": given,
            "from": [small.width, small.height],
            "to": [large.width, large.height],
            "seconds": begun.elapsed().as_secs_f64(),
        });
        if let Some(original) = &original {
            let plain = plainly(&small, &large);
            line["psnr_db"] = json!(large.psnr(original)?);
            line["psnr_bicubic_db"] = json!(plain.psnr(original)?);
            let beside = path.with_extension("compared.png");
            sheet::write(&comparison(&small, &plain, &large, original), &beside)?;
            line["comparison"] = json!(beside);
        }
        lines.push(line);
    }
    Ok(lines)
}

/// An image with the observed variable's channels, cropped to sides that the model can reduce exactly.
fn whole(session: &Session, mode: &Mode, photo: &RgbImage) -> Result<Planes> {
    let (_, [_, high, wide]) = figures::given(&session.spec, mode)?;
    let [channels, height, width] = session.spec.picture_shape();
    let (down, right) = ((height / high).max(1) as u32, (width / wide).max(1) as u32);
    let (width, height) = (photo.width() / right * right, photo.height() / down * down);
    ensure!(width > 0 && height > 0, "an image of {}x{} is too small", photo.width(), photo.height());
    Ok(Planes::of(&imageops::crop_imm(photo, 0, 0, width, height).to_image(), channels))
}

/// The downscaled image enlarged by bicubic interpolation: the baseline.
fn plainly(small: &Planes, large: &Planes) -> Planes {
    let (width, height) = (large.width as u32, large.height as u32);
    Planes::of(&imageops::resize(&small.image(), width, height, FilterType::CatmullRom), large.channels)
}

/// The downscaled image, the bicubic baseline, the result and the original; below, their centres enlarged four times.
fn comparison(small: &Planes, plain: &Planes, large: &Planes, original: &Planes) -> Sheet {
    let mut given = RgbImage::from_pixel(large.width as u32, large.height as u32, Rgb([255; 3]));
    imageops::replace(&mut given, &small.image(), 0, 0);
    let coarse = imageops::resize(&small.image(), given.width(), given.height(), FilterType::Nearest);
    let (width, height) = ((given.width() / 4).max(1), (given.height() / 4).max(1));
    let middle = |picture: &RgbImage| {
        let (x, y) = ((picture.width() - width) / 2, (picture.height() - height) / 2);
        let part = imageops::crop_imm(picture, x, y, width, height).to_image();
        imageops::resize(&part, width * 4, height * 4, FilterType::Nearest)
    };
    let all = [plain.image(), large.image(), original.image()];
    let parts = std::iter::once(&coarse).chain(&all).map(middle).collect();
    let rows = vec![
        Row { label: "whole".into(), pictures: [vec![given], all.to_vec()].concat() },
        Row { label: "part x4".into(), pictures: parts },
    ];
    let title = "given, enlarged by bicubic interpolation, by the model, original";
    Sheet { title: title.into(), groups: vec![rows] }
}

/// The result in words.
fn said(line: &Value) -> String {
    let ratio = match (line["psnr_db"].as_f64(), line["psnr_bicubic_db"].as_f64()) {
        (Some(own), Some(plain)) => format!(", PSNR {own:.2} dB (bicubic {plain:.2} dB)"),
        _ => String::new(),
    };
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let size = |key: &str| format!("{}x{}", line[key][0], line[key][1]);
    let beside = if ratio.is_empty() { String::new() } else { format!("\n{}", text("comparison")) };
    format!("{}: {} to {}{ratio}{beside}", text("picture"), size("from"), size("to"))
}
