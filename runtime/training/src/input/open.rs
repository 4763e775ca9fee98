//! Opens regular files.

use super::{limit, within};
use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::Path;

/// Opens a regular file, and does not block on other kinds.
///
/// # Errors
/// A missing file, a folder, a pipe or a device.
pub fn open(path: &Path) -> Result<File> {
    let failed = || format!("{}: cannot be read", path.display());
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Opening a pipe would otherwise wait for its other end.
        options.custom_flags(libc::O_NONBLOCK);
    }
    let file = options.open(path).with_context(failed)?;
    let kind = file.metadata().with_context(failed)?.file_type();
    if kind.is_dir() {
        bail!("{}: this is a folder; a file is expected", path.display());
    }
    if !kind.is_file() {
        bail!("{}: this is a pipe or a device; an ordinary file is expected", path.display());
    }
    Ok(file)
}

/// The content of a regular file of at most [`limit`] bytes.
///
/// # Errors
/// As [`open`], and a larger file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = || format!("{}: cannot be read", path.display());
    let file = open(path)?;
    let length = file.metadata().with_context(failed)?.len();
    within(length, limit()).with_context(failed)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length)?);
    // The limit also holds for a file that grows while it is read.
    file.take(limit().saturating_add(1)).read_to_end(&mut bytes).with_context(failed)?;
    within(bytes.len() as u64, limit()).with_context(failed)?;
    Ok(bytes)
}
