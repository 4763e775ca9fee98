//! Sheets of pictures as files: PNG for screens, SVG and PDF for papers.

use super::pdf::pdf;
use super::session::Session;
use anyhow::{Result, bail};
use srvae_training::files::{self, Kind};
use srvae_training::picture::{self, Sheet};
use srvae_training::train::tensorboard;
use std::path::{Path, PathBuf};

/// What a figure's file can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Png,
    Svg,
    Pdf,
}

/// The format that a file's name asks for.
///
/// # Errors
/// Another ending than those there are.
pub fn format(path: &Path) -> Result<Format> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("png") => Ok(Format::Png),
        Some("svg") => Ok(Format::Svg),
        Some("pdf") => Ok(Format::Pdf),
        _ => bail!("{}: a figure is written as .png, .svg or .pdf; the name of the file decides", path.display()),
    }
}

/// Refuses a place for a figure before it is drawn: an unknown format, or a file of another kind there.
///
/// # Errors
/// What is wrong with the place.
pub fn check_place(path: &Path, force: bool) -> Result<()> {
    let kind = match format(path)? {
        Format::Png => Kind::Png,
        Format::Svg => Kind::Svg,
        Format::Pdf => Kind::Pdf,
    };
    files::check_place(path, kind, force)
}

/// Writes a sheet in the format of the file's name.
///
/// # Errors
/// An unknown format, or a place that cannot be written to.
pub fn write(sheet: &Sheet, path: &Path) -> Result<()> {
    let bytes = match format(path)? {
        Format::Png => picture::encode(sheet)?,
        Format::Svg => picture::svg(sheet)?.into_bytes(),
        Format::Pdf => pdf(&picture::svg(sheet)?)?,
    };
    files::write(path, &bytes)
}

/// Writes a sheet where it was asked for, or else into the run's folder, whose TensorBoard file gets it too.
///
/// # Errors
/// An unknown format, or a place that cannot be written to.
pub fn keep(session: &Session, name: &str, sheet: &Sheet, out: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = out {
        write(sheet, path)?;
        return Ok(path.to_owned());
    }
    let path = session.folder.grid(name);
    write(sheet, &path)?;
    if !session.folder.holds_a_run() {
        return Ok(path);
    }
    let step = session.header.progress.step;
    tensorboard::Events::create(session.folder.root())?.image(step, &format!("sheets/{name}"), &sheet.image())?;
    Ok(path)
}
