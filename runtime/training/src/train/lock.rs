//! One process at a time trains into a run folder.

use crate::terminal::note;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The file in a run folder that is locked while a process trains there.
pub const NAME: &str = ".lock";

/// Whoever holds the lock may take its file away while another opens it: so often it is opened anew.
const ATTEMPTS: usize = 16;

/// The lock of a run folder. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
}

/// Who trains in a folder, as the file says.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    process: u32,
    machine: String,
}

impl Lock {
    /// Locks a folder that exists. A file left by a process that is gone is no obstacle, and said.
    ///
    /// # Errors
    /// Another process trains there: which one; or a folder that cannot be written to.
    pub fn take(root: &Path) -> Result<Self> {
        let path = root.join(NAME);
        let failed = || format!("{}: the run folder cannot be locked", root.display());
        for _ in 0..ATTEMPTS {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = file.with_context(failed)?;
            let locked = file.try_lock();
            let mut text = String::new();
            file.read_to_string(&mut text).ok();
            let holder = serde_json::from_str::<Holder>(&text).ok();
            match locked {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(refusal(root, holder)),
                // A file system without locks: the process tells.
                Err(TryLockError::Error(_)) if holder.as_ref().is_some_and(Holder::lives) => {
                    return Err(refusal(root, holder));
                }
                Err(TryLockError::Error(reason)) => {
                    note(&format!("warning: {}: {reason}; a second training run cannot be prevented", path.display()));
                }
            }
            let lock = Self { path: path.clone(), file };
            if !lock.is_in_place() {
                continue;
            }
            if let Some(Holder { process, machine }) = holder {
                note(&format!(
                    "{}: process {process} on {machine}, which trained here, was killed before its run ended",
                    root.display()
                ));
            }
            lock.sign().with_context(failed)?;
            return Ok(lock);
        }
        bail!("{}: another process locks and unlocks this run folder repeatedly", root.display())
    }

    fn sign(&self) -> Result<()> {
        let holder = Holder { process: std::process::id(), machine: machine() };
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(serde_json::to_string(&holder)?.as_bytes())?;
        Ok(())
    }

    /// Whether the folder is still the one that was locked: not moved, not deleted, not made anew.
    #[cfg(unix)]
    pub fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let same = |a: &fs::Metadata, b: &fs::Metadata| a.dev() == b.dev() && a.ino() == b.ino();
        matches!((self.file.metadata(), fs::metadata(&self.path)), (Ok(ours), Ok(there)) if same(&ours, &there))
    }

    #[cfg(not(unix))]
    pub fn is_in_place(&self) -> bool {
        self.path.exists()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_in_place() {
            fs::remove_file(&self.path).ok();
        }
    }
}

impl Holder {
    /// Whether the process is one of this machine's.
    #[cfg(unix)]
    fn lives(&self) -> bool {
        let Ok(process) = libc::pid_t::try_from(self.process) else { return false };
        // SAFETY: signal 0 is none; the call only asks whether the process is there.
        self.machine == machine() && unsafe { libc::kill(process, 0) } == 0
    }

    #[cfg(not(unix))]
    fn lives(&self) -> bool {
        false
    }
}

fn refusal(root: &Path, holder: Option<Holder>) -> anyhow::Error {
    let who = holder.map_or_else(
        || "another process".to_owned(),
        |Holder { process, machine }| format!("process {process} on {machine}"),
    );
    anyhow::anyhow!("{}: {who} is training into this run folder; wait for it, or choose another --out", root.display())
}

fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    name.map_or_else(|| "this machine".to_owned(), |name| name.trim().to_owned())
}
