//! The run folder: where everything about a run lies.

use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The paths of a run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// The folder at this path, which need not exist.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A new folder for a run; a run that lies there already is moved aside, never overwritten. Returns where to.
    ///
    /// # Errors
    /// A place that cannot be written to.
    pub fn create(root: &Path) -> Result<(Self, Option<PathBuf>)> {
        let folder = Self::at(root);
        if root.exists() && !root.is_dir() {
            bail!("{}: this is a file; --out takes a folder", root.display());
        }
        let moved = match folder.holds_a_run() {
            true => Some(move_aside(root)?),
            false => None,
        };
        fs::create_dir_all(root).with_context(|| format!("{}: the run folder cannot be made", root.display()))?;
        folder.check_writable()?;
        Ok((folder, moved))
    }

    /// # Errors
    /// A folder nothing can be written into: said before the work, not after it.
    pub fn check_writable(&self) -> Result<()> {
        let mut probe = tempfile::tempfile_in(&self.root).with_context(|| {
            format!("{}: this folder cannot be written to; choose another with --out", self.root.display())
        })?;
        probe.write_all(&[0; 4096]).and_then(|()| probe.sync_all()).with_context(|| {
            format!("{}: there is no room to write; free some or choose another --out", self.root.display())
        })
    }

    /// Takes away what an interrupted write may have left.
    pub fn sweep(&self) {
        for folder in [self.root.clone(), self.root.join("checkpoints")] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with(".partial-") {
                    fs::remove_file(entry.path()).ok();
                }
            }
        }
    }

    pub fn holds_a_run(&self) -> bool {
        self.config().exists() || self.last().exists()
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The settings of the run, for people and scripts.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.json")
    }

    /// A copy of the model file.
    pub fn source(&self) -> PathBuf {
        self.root.join("model.pgm")
    }

    /// How the data were divided, and what they are known by.
    pub fn split(&self) -> PathBuf {
        self.root.join("split.json")
    }

    /// One JSON object a line, as training goes.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    pub fn evaluation(&self) -> PathBuf {
        self.root.join("evaluation.json")
    }

    /// The newest checkpoint.
    pub fn last(&self) -> PathBuf {
        self.root.join("checkpoints/last.safetensors")
    }

    /// The checkpoint with the best validation so far.
    pub fn best(&self) -> PathBuf {
        self.root.join("checkpoints/best.safetensors")
    }

    /// The grid of a mode.
    pub fn grid(&self, mode: &str) -> PathBuf {
        self.root.join("grids").join(format!("{mode}.png"))
    }

    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }
}

fn move_aside(root: &Path) -> Result<PathBuf> {
    let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let aside = (1..).map(|number| root.with_file_name(format!("{name}.old-{number}"))).find(|path| !path.exists());
    let aside = aside.unwrap_or_else(|| root.with_file_name(format!("{name}.old")));
    fs::rename(root, &aside).with_context(|| {
        format!("{}: holds another run, which cannot be moved to {}", root.display(), aside.display())
    })?;
    Ok(aside)
}
