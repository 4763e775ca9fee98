//! Sheets of images as files: PNG for screens, SVG and PDF for papers.

use super::pdf::pdf;
use super::session::Session;
use anyhow::{Result, bail};
use srvae_training::files::{self, Kind};
use srvae_training::picture::{self, Sheet};
use srvae_training::train::tensorboard;
use std::path::{Path, PathBuf};

/// The format of a figure's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Png,
    Svg,
    Pdf,
}

/// The format for a file name.
///
/// # Errors
/// An unknown extension.
pub fn format(path: &Path) -> Result<Format> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("png") => Ok(Format::Png),
        Some("svg") => Ok(Format::Svg),
        Some("pdf") => Ok(Format::Pdf),
        _ => bail!("{}: a figure is written as .png, .svg or .pdf; the name of the file decides", path.display()),
    }
}

/// Checks the path of a figure before it is drawn.
///
/// # Errors
/// An unknown format, or an existing file of another kind.
pub fn check_place(path: &Path, force: bool) -> Result<()> {
    let kind = match format(path)? {
        Format::Png => Kind::Png,
        Format::Svg => Kind::Svg,
        Format::Pdf => Kind::Pdf,
    };
    files::check_place(path, kind, force)
}

/// Writes a sheet in the format of the file name.
///
/// # Errors
/// An unknown format, or a path that cannot be written.
pub fn write(sheet: &Sheet, path: &Path) -> Result<()> {
    let bytes = match format(path)? {
        Format::Png => picture::encode(sheet)?,
        Format::Svg => picture::svg(sheet)?.into_bytes(),
        Format::Pdf => pdf(&picture::svg(sheet)?)?,
    };
    files::write(path, &bytes)
}

/// Writes a sheet to the given path, or to the run's folder, and then to its TensorBoard file too.
///
/// # Errors
/// An unknown format, or a path that cannot be written.
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
