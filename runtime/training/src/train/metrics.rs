//! `metrics.jsonl`: one JSON object per line, for other programs to follow a run.

use super::tensorboard::{Events, scalars};
use crate::terminal::note;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The open file.
#[derive(Debug)]
pub struct Metrics {
    /// None if another process writes them.
    file: Option<Written>,
    /// Training time up to the last kept line.
    seconds: f64,
}

#[derive(Debug)]
struct Written {
    path: PathBuf,
    lines: File,
    events: Events,
}

impl Metrics {
    /// For a rank that writes nothing.
    pub fn none() -> Self {
        Self { file: None, seconds: 0.0 }
    }

    /// Opens the file of a resumed run. Lines that `keep` rejects, of steps that will be repeated, are removed; all
    /// other lines are unchanged. A file with damaged lines is kept beside the new one.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(path: &Path, keep: impl Fn(&Value) -> bool) -> Result<Self> {
        let found = lines(path)?;
        let kept: Vec<&(String, Value)> = found.whole.iter().filter(|(_, line)| keep(line)).collect();
        if !found.damaged.is_empty() {
            let copy = path.with_extension("jsonl.damaged");
            std::fs::copy(path, &copy).with_context(|| format!("{}: cannot be written", copy.display()))?;
            note(&format!("{}: the file as it was is kept as {}", path.display(), copy.display()));
        }
        let text: String = kept.iter().map(|(text, _)| format!("{text}\n")).collect();
        crate::files::write(path, text.as_bytes())?;
        let seconds = kept.iter().rev().find_map(|(_, line)| line["seconds"].as_f64()).unwrap_or(0.0);
        let lines = OpenOptions::new()
            .append(true)
            .open(path)
            .with_context(|| format!("{}: cannot be opened for writing", path.display()))?;
        let events = Events::create(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self { file: Some(Written { path: path.to_owned(), lines, events }), seconds })
    }

    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Adds a line, and its values to TensorBoard.
    ///
    /// # Errors
    /// Usually a full disk.
    pub fn write(&mut self, line: &Value) -> Result<()> {
        let Some(Written { path, lines, events }) = &mut self.file else { return Ok(()) };
        events.scalars(line["step"].as_u64().unwrap_or(0) as usize, &scalars(line))?;
        let text = format!("{line}\n");
        lines.write_all(text.as_bytes()).with_context(|| format!("{}: cannot be written to", path.display()))
    }
}

/// The lines of a metrics file. Empty if there is no file. Damaged lines are skipped and reported; a truncated last
/// line is normal for a process that was killed.
///
/// # Errors
/// A file that cannot be read.
pub fn read(path: &Path) -> Result<Vec<Value>> {
    Ok(lines(path)?.whole.into_iter().map(|(_, line)| line).collect())
}

/// The lines of a file.
#[derive(Default)]
struct Lines {
    /// Their texts and values.
    whole: Vec<(String, Value)>,
    /// The numbers of damaged lines, from 1.
    damaged: Vec<usize>,
}

fn lines(path: &Path) -> Result<Lines> {
    let mut found = Lines::default();
    if !path.exists() {
        return Ok(found);
    }
    let bytes = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        match serde_json::from_str::<Value>(line) {
            Ok(value) if value["step"].is_u64() => found.whole.push((line.trim_end().to_owned(), value)),
            _ if line.ends_with('\n') => found.damaged.push(at + 1),
            _ => {}
        }
    }
    if !found.damaged.is_empty() {
        let numbers: Vec<String> = found.damaged.iter().take(8).map(usize::to_string).collect();
        let more = if found.damaged.len() > numbers.len() { ", …" } else { "" };
        note(&format!(
            "warning: {}: {} damaged, skipped here: {}{more}",
            path.display(),
            if found.damaged.len() == 1 {
                "a line is".to_owned()
            } else {
                format!("{} lines are", found.damaged.len())
            },
            numbers.join(", ")
        ));
    }
    Ok(found)
}
