//! The run folder, with all files of a run.

use super::lock::{self, Lock};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The beginning of a recipe.
pub const RECIPE: &str = "# Repeats this run: ";

/// The paths of a run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    root: PathBuf,
    /// The lock, while this process trains here.
    lock: Option<Arc<Lock>>,
}

impl RunFolder {
    /// The folder at this path, which need not exist.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), lock: None }
    }

    /// Refuses what [`RunFolder::create`] would refuse, without changes.
    ///
    /// # Errors
    /// A file, a folder with contents other than a run, a run that another process trains, a path that cannot be
    /// written.
    pub fn check(root: &Path) -> Result<()> {
        let folder = Self::at(root);
        if !root.exists() {
            let parent = root.ancestors().skip(1).find(|parent| parent.exists() || parent.as_os_str().is_empty());
            let parent = parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            return probe(parent).with_context(|| {
                format!("{}: the run folder cannot be created; choose another with --out", root.display())
            });
        }
        ensure!(root.is_dir(), "{}: this is a file; --out takes a folder", root.display());
        ensure!(
            folder.holds_a_run() || is_empty(root)?,
            "{}: this folder is not empty and not a run folder; choose another --out, or empty it",
            root.display()
        );
        folder.check_writable()?;
        Lock::take(root).map(drop)
    }

    /// A new, locked folder for a run. An existing run there is moved aside, never overwritten; its new path is
    /// returned.
    ///
    /// # Errors
    /// Those of [`RunFolder::check`].
    pub fn create(root: &Path) -> Result<(Self, Option<PathBuf>)> {
        Self::check(root)?;
        fs::create_dir_all(root).with_context(|| format!("{}: the run folder cannot be created", root.display()))?;
        let folder = Self::at(root).locked()?;
        let moved = if folder.holds_a_run() { Some(move_aside(root)?) } else { None };
        Ok((folder, moved))
    }

    /// The folder, locked by this process until the last clone is dropped.
    ///
    /// # Errors
    /// Another process trains there.
    pub fn locked(self) -> Result<Self> {
        let lock = match self.lock {
            Some(lock) => lock,
            None => Arc::new(Lock::take(&self.root)?),
        };
        Ok(Self { lock: Some(lock), ..self })
    }

    /// Whether a locked folder is still at its path.
    pub fn is_in_place(&self) -> bool {
        self.lock.as_ref().is_none_or(|lock| lock.is_in_place())
    }

    /// A folder beside this one, for a run whose folder has disappeared.
    pub fn rescue(&self) -> Self {
        Self::at(numbered(&self.root, "rescued"))
    }

    /// # Errors
    /// A folder that cannot be written. It is checked before the work.
    pub fn check_writable(&self) -> Result<()> {
        probe(&self.root)
            .with_context(|| format!("{}: choose another folder with --out, or free some space", self.root.display()))
    }

    /// Removes the remains of an interrupted write.
    pub fn sweep(&self) {
        for folder in [self.root.clone(), self.root.join("checkpoints")] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with(".partial-") {
                    fs::remove_file(entry.path()).ok();
                }
            }
        }
    }

    /// Whether the folder contains a run: its checkpoints, or its settings and its model.
    pub fn holds_a_run(&self) -> bool {
        self.last().exists() || self.best().exists() || (self.config().exists() && self.source().exists())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The settings of the run, in JSON.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.json")
    }

    /// The options that repeat the run, for `train --config`.
    pub fn recipe(&self) -> PathBuf {
        self.root.join("run.toml")
    }

    /// A copy of the model file.
    pub fn source(&self) -> PathBuf {
        self.root.join("model.pgm")
    }

    /// The division of the data and their fingerprint.
    pub fn split(&self) -> PathBuf {
        self.root.join("split.json")
    }

    /// The metrics of the training, one JSON object per line.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// The last evaluation on the run's own data.
    pub fn evaluation(&self) -> PathBuf {
        self.root.join("evaluation.json")
    }

    /// The last evaluation on other data.
    pub fn evaluation_on(&self, data: &str) -> PathBuf {
        let safe = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
        self.root.join(format!("evaluation-{}.json", data.chars().map(safe).collect::<String>()))
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

    /// Pairs, sequences, latents and imputed values, as the report draws them.
    pub fn plots(&self) -> PathBuf {
        self.root.join("plots.json")
    }

    /// Marginals of the observed variables, as the report draws them.
    pub fn marginals(&self) -> PathBuf {
        self.root.join("marginals.json")
    }

    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }
}

/// Whether a folder contains nothing but the remains of an interrupted start: a lock, a partial file, and the recipe
/// with the model's text, which are written before the run's settings.
fn is_empty(root: &Path) -> Result<bool> {
    let entries = fs::read_dir(root).with_context(|| format!("{}: the folder cannot be read", root.display()))?;
    let folder = RunFolder::at(root);
    let begun = fs::read_to_string(folder.recipe()).is_ok_and(|text| text.starts_with(RECIPE));
    let ours = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == lock::NAME
            || name.starts_with(".partial-")
            || begun && [folder.source(), folder.recipe()].iter().any(|file| file == path)
    };
    Ok(entries.flatten().all(|entry| ours(&entry.path())))
}

/// Checks that a file can be created and written in a folder.
fn probe(folder: &Path) -> Result<()> {
    let mut probe =
        tempfile::tempfile_in(folder).with_context(|| format!("{}: cannot be written to", folder.display()))?;
    probe
        .write_all(&[0; 4096])
        .and_then(|()| probe.sync_all())
        .with_context(|| format!("{}: no space left to write", folder.display()))
}

/// `ROOT.WHAT-1`, or the first number that is free.
fn numbered(root: &Path, what: &str) -> PathBuf {
    // `.` and `..` have no name.
    let whole = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let base = if root.file_name().is_some() { root } else { &whole };
    let name = base.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = (1..).map(|number| base.with_file_name(format!("{name}.{what}-{number}"))).find(|path| !path.exists());
    free.unwrap_or_else(|| base.with_file_name(format!("{name}.{what}")))
}

/// Moves the contents of a folder to a new one beside it. The folder itself stays, because it may be a working
/// directory.
fn move_aside(root: &Path) -> Result<PathBuf> {
    let aside = numbered(root, "old");
    let failed = || format!("{}: holds another run, which cannot be moved to {}", root.display(), aside.display());
    fs::create_dir(&aside).with_context(failed)?;
    for entry in fs::read_dir(root).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        if entry.file_name() != lock::NAME {
            fs::rename(entry.path(), aside.join(entry.file_name())).with_context(failed)?;
        }
    }
    Ok(aside)
}
