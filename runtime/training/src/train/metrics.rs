//! `metrics.jsonl`: one JSON object a line, so that a run can be followed and read by anything.

use super::tensorboard::{Events, scalars};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The open file.
#[derive(Debug)]
pub struct Metrics {
    path: PathBuf,
    file: File,
    /// Training time up to the last line that was kept.
    seconds: f64,
    events: Events,
}

impl Metrics {
    /// Opens the file to go on after `step`: lines of later steps, of a run that was cut off, are taken away.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(path: &Path, step: usize) -> Result<Self> {
        let mut kept = read(path)?;
        kept.retain(|line| line["step"].as_u64().is_some_and(|at| at as usize <= step));
        let text: String = kept.iter().map(|line| format!("{line}\n")).collect();
        crate::files::write(path, text.as_bytes())?;
        let seconds = kept.iter().rev().find_map(|line| line["seconds"].as_f64()).unwrap_or(0.0);
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .with_context(|| format!("{}: cannot be opened for writing", path.display()))?;
        let events = Events::create(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self { path: path.to_owned(), file, seconds, events })
    }

    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Adds a line; its values go to TensorBoard too.
    ///
    /// # Errors
    /// A full disk, most likely.
    pub fn write(&mut self, line: &Value) -> Result<()> {
        self.events.scalars(line["step"].as_u64().unwrap_or(0) as usize, &scalars(line))?;
        let text = format!("{line}\n");
        self.file.write_all(text.as_bytes()).with_context(|| format!("{}: cannot be written to", self.path.display()))
    }
}

/// The lines of a metrics file; none where there is no file. A last line that was cut off is passed over.
///
/// # Errors
/// A file that is there and cannot be read.
pub fn read(path: &Path) -> Result<Vec<Value>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    Ok(String::from_utf8_lossy(&text).lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
