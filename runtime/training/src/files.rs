//! Files that are there whole or not at all.

use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Writes a file beside its place, forces it to disk, and puts it in place; what stood there before stays until then.
///
/// # Errors
/// A folder that cannot be written to, or a full disk. Nothing is left behind.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = || format!("{}: cannot be written", path.display());
    fs::create_dir_all(folder).with_context(failed)?;
    let mut file = tempfile::Builder::new().prefix(".partial-").tempfile_in(folder).with_context(failed)?;
    file.write_all(bytes).with_context(failed)?;
    file.as_file().sync_all().with_context(failed)?;
    // Temporary files are private; a run folder is as open as the user's mask makes it.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).with_context(failed)?;
    }
    file.persist(path).map_err(|failure| failure.error).with_context(failed)?;
    // The new name is on disk once its folder is.
    if let Ok(folder) = fs::File::open(folder) {
        folder.sync_all().ok();
    }
    Ok(())
}

/// Writes a file anew where it really lies: a link to it stays a link, and who may read and write it stays.
///
/// # Errors
/// As [`write`], and a file that is not there.
pub fn rewrite(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = || format!("{}: cannot be written", path.display());
    let place = fs::canonicalize(path).with_context(failed)?;
    let permissions = fs::metadata(&place).with_context(failed)?.permissions();
    write(&place, bytes)?;
    fs::set_permissions(&place, permissions).with_context(failed)
}
