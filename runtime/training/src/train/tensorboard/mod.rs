//! TensorBoard's event files: a run's values, sheets, hyperparameters, bound and graph.
//!
//! Tags follow one scheme: `train/…`, `validation/…` and `test/…` for values (`train/bits_per_dim`, `validation/KL_z`),
//! `sheets/…` for images, `model/…` for text.

mod about;
mod message;
mod tags;

pub use about::{About, Node};
pub use tags::scalars;

use anyhow::{Context, Result};
use image::RgbImage;
use message::{bytes, double, float, frame, integer, message};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// An open event file.
#[derive(Debug)]
pub struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    /// A new file in the folder. TensorBoard reads all files of a folder as one run.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn create(folder: &Path) -> Result<Self> {
        let seconds = now() as u64;
        // Files are read in the order of their names.
        let name = |number: usize| format!("events.out.tfevents.{seconds}.{}.{number:03}.srvae", std::process::id());
        let path = (0..).map(|number| folder.join(name(number))).find(|path| !path.exists()).unwrap_or_default();
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("{}: cannot be written", path.display()))?;
        let mut events = Self { path, file };
        events.record(&[double(1, now()), bytes(3, "brain.Event:2")])?;
        Ok(events)
    }

    /// Adds values at a step.
    ///
    /// # Errors
    /// Usually a full disk.
    pub fn scalars(&mut self, step: usize, values: &[(String, f64)]) -> Result<()> {
        let value = |(tag, value): &(String, f64)| message(1, &[bytes(1, tag), float(2, *value as f32)]);
        let all: Vec<Vec<u8>> = values.iter().map(value).collect();
        if all.is_empty() { Ok(()) } else { self.summary(step, &all) }
    }

    /// Adds an image at a step.
    ///
    /// # Errors
    /// Usually a full disk.
    pub fn image(&mut self, step: usize, tag: &str, image: &RgbImage) -> Result<()> {
        let (width, height) = image.dimensions();
        let png = crate::picture::png(image)?;
        let encoded = [integer(1, u64::from(height)), integer(2, u64::from(width)), integer(3, 3), bytes(4, png)];
        self.summary(step, &[message(1, &[bytes(1, tag), message(4, &encoded)])])
    }

    /// Adds a summary with these values as fields.
    fn summary(&mut self, step: usize, values: &[Vec<u8>]) -> Result<()> {
        self.record(&[double(1, now()), integer(2, step as u64), message(5, values)])
    }

    fn record(&mut self, fields: &[Vec<u8>]) -> Result<()> {
        let framed = frame(&fields.concat());
        self.file.write_all(&framed).with_context(|| format!("{}: cannot be written to", self.path.display()))
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
