//! Writes files atomically, and does not replace files of another kind.

use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

/// Writes a file under a temporary name, syncs it to disk, and renames it. The previous file remains until then.
///
/// # Errors
/// A folder that cannot be written, or a full disk. No file is left behind.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| Ok(file.write_all(bytes)?))
}

/// Writes the text of a JSON value.
///
/// # Errors
/// Those of [`write()`].
pub fn write_json(path: &Path, value: &serde_json::Value) -> Result<()> {
    write(path, format!("{value:#}\n").as_bytes()).context("the result could not be saved")
}

/// Writes a file piece by piece.
///
/// # Errors
/// Those of [`write()`] and of `content`.
pub fn write_with(path: &Path, content: impl FnOnce(&mut fs::File) -> Result<()>) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = || format!("{}: cannot be written", path.display());
    fs::create_dir_all(folder).with_context(failed)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".partial-");
    // Temporary files are private by default; a result has the permissions of the user's mask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).with_context(failed)?;
    content(file.as_file_mut()).with_context(failed)?;
    file.as_file().sync_all().with_context(failed)?;
    file.persist(path).map_err(|failure| failure.error).with_context(failed)?;
    // The new name is on disk only after the folder was synced.
    if let Ok(folder) = fs::File::open(folder) {
        folder.sync_all().ok();
    }
    Ok(())
}

/// Rewrites an existing file at its real location. A link to it remains a link, and its permissions do not change.
///
/// # Errors
/// As [`write()`], and a missing file.
pub fn rewrite(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = || format!("{}: cannot be written", path.display());
    let place = fs::canonicalize(path).with_context(failed)?;
    let permissions = fs::metadata(&place).with_context(failed)?.permissions();
    write_with(&place, |file| {
        file.write_all(bytes)?;
        Ok(file.set_permissions(permissions)?)
    })
}

/// The kinds of result files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Png,
    Svg,
    Pdf,
    Html,
    /// A table of records: the first line begins with `record`.
    Csv,
    Npz,
    /// Weights only, not a checkpoint.
    Weights,
}

impl Kind {
    /// Whether a file with this beginning is of this kind.
    fn is(self, head: &[u8]) -> bool {
        match self {
            Self::Png => head.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::Svg => head.windows(4).any(|part| part == b"<svg"),
            Self::Pdf => head.starts_with(b"%PDF-"),
            Self::Html => head.trim_ascii_start().to_ascii_lowercase().starts_with(b"<!doctype html"),
            Self::Csv => head.starts_with(b"record,"),
            Self::Npz => head.starts_with(b"PK\x03\x04"),
            // Eight bytes of length, then a JSON header; that of a checkpoint starts with this program's key.
            Self::Weights => {
                let header = head.get(8..).unwrap_or_default();
                header.starts_with(b"{") && !header.windows(8).any(|part| part == b"\"srvae\":")
            }
        }
    }
}

/// Refuses to replace a file of another kind, before any work is done. `force` replaces any file.
///
/// # Errors
/// A folder, or a file of another kind.
pub fn check_place(path: &Path, kind: Kind, force: bool) -> Result<()> {
    if path.is_dir() {
        bail!("{}: this is a folder; --out takes a file", path.display());
    }
    if force || !path.exists() {
        return Ok(());
    }
    let mut head = Vec::new();
    let file = crate::input::open(path)?;
    file.take(1 << 12).read_to_end(&mut head).with_context(|| format!("{}: cannot be read", path.display()))?;
    if !head.is_empty() && !kind.is(&head) {
        bail!("{}: exists and is another kind of file; choose another name, or use --force", path.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Kind, check_place, write};

    #[test]
    fn only_files_of_its_own_kind_are_replaced() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let refused = |name: &str, kind: Kind| {
            let error = check_place(&at(name), kind, false).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            error
        };
        write(&at("thesis.tex"), b"\\documentclass{article}").unwrap();
        for kind in [Kind::Png, Kind::Svg, Kind::Pdf, Kind::Html, Kind::Csv, Kind::Npz, Kind::Weights] {
            assert!(refused("thesis.tex", kind).contains("--force"));
            check_place(&at("thesis.tex"), kind, true).unwrap();
            check_place(&at("nothing there"), kind, false).unwrap();
            assert!(check_place(place.path(), kind, true).unwrap_err().to_string().contains("a folder"));
        }
        write(&at("a.png"), b"\x89PNG\r\n\x1a\n...").unwrap();
        check_place(&at("a.png"), Kind::Png, false).unwrap();
        refused("a.png", Kind::Npz);
        write(&at("last.safetensors"), b"\x40\0\0\0\0\0\0\0{\"__metadata__\":{\"srvae\":\"\"}}").unwrap();
        refused("last.safetensors", Kind::Weights);
        write(&at("weights.safetensors"), b"\x40\0\0\0\0\0\0\0{\"__metadata__\":{\"model\":\"vae\"}}").unwrap();
        check_place(&at("weights.safetensors"), Kind::Weights, false).unwrap();
    }
}
