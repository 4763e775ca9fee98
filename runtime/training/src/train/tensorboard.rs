//! TensorBoard's event files: the numbers of `metrics.jsonl` for those who watch runs there.

use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// An open event file. Its records are protocol buffers in frames with check sums.
#[derive(Debug)]
pub struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    /// A new file in the folder; a resumed run writes another, and TensorBoard reads both.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn create(folder: &Path) -> Result<Self> {
        let seconds = now() as u64;
        let path = folder.join(format!("events.out.tfevents.{seconds}.{}.srvae", std::process::id()));
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("{}: cannot be written", path.display()))?;
        let mut events = Self { path, file };
        events.record(&[double(1, now()), bytes(3, b"brain.Event:2")].concat())?;
        Ok(events)
    }

    /// Adds numbers at a step.
    ///
    /// # Errors
    /// A full disk, most likely.
    pub fn write(&mut self, step: usize, numbers: &[(String, f64)]) -> Result<()> {
        let value =
            |(tag, number): &(String, f64)| bytes(1, &[bytes(1, tag.as_bytes()), float(2, *number as f32)].concat());
        let summary: Vec<u8> = numbers.iter().flat_map(value).collect();
        self.record(&[double(1, now()), integer(2, step as u64), bytes(5, &summary)].concat())
    }

    fn record(&mut self, event: &[u8]) -> Result<()> {
        let length = (event.len() as u64).to_le_bytes();
        let frame = [&length[..], &masked(&length).to_le_bytes(), event, &masked(event).to_le_bytes()].concat();
        self.file.write_all(&frame).with_context(|| format!("{}: cannot be written to", self.path.display()))
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

fn field(number: u64, wire: u64) -> Vec<u8> {
    varint(number << 3 | wire)
}

fn integer(number: u64, value: u64) -> Vec<u8> {
    [field(number, 0), varint(value)].concat()
}

fn double(number: u64, value: f64) -> Vec<u8> {
    [field(number, 1), value.to_le_bytes().to_vec()].concat()
}

fn float(number: u64, value: f32) -> Vec<u8> {
    [field(number, 5), value.to_le_bytes().to_vec()].concat()
}

fn bytes(number: u64, value: &[u8]) -> Vec<u8> {
    [field(number, 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// CRC-32C, turned and shifted as the format wants it.
fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc32c(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[cfg(test)]
mod tests {
    use super::{crc32c, varint};

    #[test]
    fn check_sums_and_numbers_are_the_standard_ones() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(varint(300), [0xac, 0x02]);
        assert_eq!(varint(0), [0]);
    }
}
