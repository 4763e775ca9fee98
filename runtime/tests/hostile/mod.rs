//! Malicious files. For each reader there is a generator that knows the format, so its files pass the first check.
//!
//! Tests, the example `hostile` and the fuzz targets share them. A generator asks [`Choices`] for every decision, made
//! from a seed or from a fuzzer's bytes.

#![allow(dead_code, reason = "each user takes its part")]

pub mod archives;
pub mod arrays;
pub mod checkpoints;
pub mod choices;
pub mod pickles;
pub mod pictures;
pub mod sets;

pub use choices::Choices;

use srvae::data::formats;
use srvae::input;
use srvae::pickle::Pickle;
use srvae::train::Checkpoint;
use srvae::{Device, tensors, torch};
use std::borrow::Cow;
use std::path::Path;

/// The limit of unpacked bytes per file in these tests.
pub const LIMIT: u64 = 16 << 20;

/// A reader with its generator.
pub struct Reader {
    pub name: &'static str,
    pub generate: fn(&mut Choices<'_>) -> Vec<u8>,
    /// Reads the bytes. Returns whether they were accepted.
    pub read: fn(&[u8]) -> bool,
}

/// The Parquet reader exists only with the feature.
pub const READERS: &[Reader] = &[
    Reader { name: "pickle", generate: pickles::program, read: |bytes| Pickle::read(bytes).is_ok() },
    Reader { name: "batch", generate: pickles::batch, read: |bytes| formats::python::read(bytes, 0).is_ok() },
    Reader { name: "pth", generate: pickles::pth, read: |bytes| torch::parse(bytes, false).is_ok() },
    Reader { name: "npz", generate: arrays::npz, read: read_npz },
    Reader { name: "safetensors", generate: checkpoints::safetensors, read: read_safetensors },
    Reader { name: "tar", generate: archives::tar_or_gzip, read: read_tar },
    Reader { name: "png", generate: pictures::png, read: read_png },
    Reader { name: "checkpoint", generate: checkpoints::checkpoint, read: read_checkpoint },
    Reader { name: "csv", generate: sets::csv, read: sets::read_csv },
    Reader { name: "idx", generate: sets::idx, read: sets::read_idx },
    Reader { name: "stored", generate: sets::stored, read: sets::read_stored },
    Reader { name: "webdataset", generate: sets::webdataset, read: sets::read_webdataset },
    Reader { name: "split", generate: sets::split, read: sets::read_split },
    #[cfg(feature = "parquet")]
    Reader { name: "parquet", generate: sets::parquet, read: sets::read_parquet },
];

/// A fuzzer's bytes as a file, and as the decisions of the generator.
pub fn fuzz(name: &str, bytes: &[u8]) {
    input::set_limit(LIMIT);
    for reader in READERS.iter().filter(|reader| reader.name == name) {
        (reader.read)(bytes);
        (reader.read)(&(reader.generate)(&mut Choices::Bytes(bytes)));
    }
}

fn read_npz(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\x93NUMPY") {
        return input::Array::parse(Cow::Borrowed(bytes)).and_then(|array| array.integers()).is_ok();
    }
    formats::npz::read(bytes, 0).is_ok()
}

fn read_safetensors(bytes: &[u8]) -> bool {
    tensors::read(bytes, &Device::Cpu).is_ok()
}

fn read_tar(bytes: &[u8]) -> bool {
    let wanted = |name: &str| name.contains("data");
    match bytes.starts_with(b"\x1f\x8b") {
        true => input::tar_members(input::gunzip(bytes, LIMIT), LIMIT, wanted).is_ok(),
        false => input::tar_members(bytes, LIMIT, wanted).is_ok(),
    }
}

fn read_png(bytes: &[u8]) -> bool {
    input::check_picture(bytes).is_ok_and(|reader| reader.decode().is_ok())
}

fn read_checkpoint(bytes: &[u8]) -> bool {
    Checkpoint::parse(bytes, Path::new("checkpoint"), &Device::Cpu).is_ok()
}
