//! Applies a mode to images at their full size, and names the output files.

use super::pictures;
use crate::args::{self, Drawing};
use crate::session::Session;
use anyhow::{Context, Result, bail};
use serde_json::json;
use srvae_training::figures::{self, Large};
use srvae_training::picture::{self, Planes};
use srvae_training::progress::Display;
use srvae_training::terminal::out;
use srvae_training::{Draw, Mode, data};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Applies a mode to images at their full size: one PNG for each image and draw.
pub fn full_size(session: &Session, mode: &Mode, args: &args::Mode, draw: Draw) -> Result<ExitCode> {
    let (_, [channels, ..]) = figures::given(&session.spec, mode)?;
    let files = pictures(&args.input)?;
    for file in &files {
        let picture = Planes::of(&data::open_picture(file)?, channels);
        for number in 1..=args.draws {
            let path = output(session, file, mode.name, &args.drawing, &files, (number, args.draws))?;
            let result = tiled(session, mode, &picture, draw, args.drawing.seed + number as u64 - 1, 0.5)?;
            picture::save(&result.image(), &path)?;
            let line = json!({
                "mode": mode.name, "picture": path, "input": file, "width": result.width, "height": result.height,
            });
            out(&if args.drawing.common.json { line.to_string() } else { path.display().to_string() });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// [`figures::large`] with a progress bar.
pub fn tiled(session: &Session, mode: &Mode, picture: &Planes, draw: Draw, seed: u64, overlap: f64) -> Result<Planes> {
    let display = Display::new("tiles", 0, 0);
    let progress = |done: usize, all: usize| display.of(done, all);
    let how = Large { draw, seed, overlap, progress: &progress };
    figures::large(session.model.as_ref(), &session.spec, mode, picture, &how)
}

/// The output file for an image: --out if it is one file, otherwise below RUN/grids.
pub fn output(
    session: &Session,
    file: &Path,
    mode: &str,
    args: &Drawing,
    inputs: &[PathBuf],
    (number, draws): (usize, usize),
) -> Result<PathBuf> {
    match &args.out {
        Some(out) if inputs.len() == 1 && draws == 1 => Ok(out.clone()),
        Some(_) => bail!("--out names one file, but {} files are written; omit it", inputs.len() * draws),
        None => {
            let stem = name(file, inputs).context("an image without a name")?;
            let number = if draws > 1 { format!("_{number}") } else { String::new() };
            Ok(session.folder.grid(&format!("{mode}_{stem}{number}")))
        }
    }
}

/// The name of a result: that of its file, with the folders above it as far as needed to distinguish files.
fn name(file: &Path, all: &[PathBuf]) -> Option<String> {
    let called = |path: &Path, folders: usize| -> Option<String> {
        let stem = path.file_stem()?.to_string_lossy().into_owned();
        let above = path.parent()?.components().rev().take(folders).map(|part| part.as_os_str().to_string_lossy());
        let mut parts: Vec<String> =
            above.map(|part| part.replace(['/', '\\'], "")).filter(|part| !part.is_empty()).collect();
        parts.reverse();
        parts.push(stem);
        Some(parts.join("_"))
    };
    let most = file.components().count();
    let alone = |folders: &usize| {
        let own = called(file, *folders);
        all.iter().filter(|other| called(other, *folders) == own).count() < 2
    };
    if let Some(folders) = (0..most).find(alone) {
        return called(file, folders);
    }
    // The same stem with several extensions, or the same file twice.
    let number = all.iter().position(|other| other == file)?;
    Some(format!("{}_{}", called(file, 0)?, number + 1))
}

#[cfg(test)]
mod tests {
    use super::name;
    use std::path::PathBuf;

    #[test]
    fn results_of_files_of_one_name_have_names_of_their_own() {
        let files: Vec<PathBuf> =
            ["a/1.png", "b/1.png", "c/d/1.png", "x/d/1.png", "2.png", "2.jpg"].map(PathBuf::from).to_vec();
        let names: Vec<String> = files.iter().map(|file| name(file, &files).unwrap()).collect();
        assert_eq!(names, ["a_1", "b_1", "c_d_1", "x_d_1", "2_5", "2_6"]);
    }
}
