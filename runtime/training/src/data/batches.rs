//! Data sets published as batches: CIFAR-10 (binary or pickled) and the downsampled ImageNet (npz or pickled), in a
//! folder or an archive.

use super::formats::{binary, npz, python};
use super::opened::Opened;
use super::published::{self, Batch, Part};
use super::records::Records;
use super::table::Table;
use crate::input;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The format of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Format {
    Binary,
    Python,
    Npz,
}

/// The parts of a file's name.
#[derive(Debug, Clone, Copy)]
struct Kind {
    format: Format,
    part: Part,
    imagenet: bool,
    /// The number of a training batch, from 1; 0 for a test batch.
    number: usize,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let (stem, format) = split(name)?;
        let number = |rest: &str| rest.parse().ok().filter(|_| rest.bytes().all(|byte| byte.is_ascii_digit()));
        let (part, imagenet, number) = match stem {
            "test_batch" => (Part::Test, false, 0),
            "val_data" => (Part::Test, true, 0),
            _ => match (stem.strip_prefix("data_batch_"), stem.strip_prefix("train_data_batch_")) {
                (Some(rest), _) => (Part::Train, false, number(rest)?),
                (_, Some(rest)) => (Part::Train, true, number(rest)?),
                _ => return None,
            },
        };
        // CIFAR-10 has no npz form, and the downsampled ImageNet no binary one.
        let exists = if imagenet { format != Format::Binary } else { format != Format::Npz };
        exists.then_some(Self { format, part, imagenet, number })
    }

    /// Whether a file has the name of a copy of a batch: `data_batch_1 (1).bin`, `test_batch copy`.
    fn is_copy(name: &str) -> bool {
        let begins = |text: &str| {
            ["data_batch_", "train_data_batch_", "test_batch", "val_data"].iter().any(|stem| text.starts_with(stem))
        };
        Self::of(name).is_none() && begins(name) && split(name).is_some_and(|(stem, _)| stem.contains([' ', '(', '~']))
    }

    /// The name of the missing batch, if there is none for `part`.
    fn wanted(self, part: Part) -> &'static str {
        match (self.format, self.imagenet, part) {
            (Format::Binary, _, Part::Train) => "data_batch_*.bin",
            (Format::Binary, _, Part::Test) => "test_batch.bin",
            (Format::Python, false, Part::Train) => "data_batch_*",
            (Format::Python, false, Part::Test) => "test_batch",
            (Format::Python, true, Part::Train) => "train_data_batch_*",
            (Format::Python, true, Part::Test) => "val_data",
            (Format::Npz, _, Part::Train) => "train_data_batch_*.npz",
            (Format::Npz, _, Part::Test) => "val_data.npz",
        }
    }
}

/// A name without its extension, and the format of the extension.
fn split(name: &str) -> Option<(&str, Format)> {
    match name.rsplit_once('.') {
        Some((stem, "bin")) => Some((stem, Format::Binary)),
        Some((stem, "npz")) => Some((stem, Format::Npz)),
        Some(_) => None,
        None => Some((name, Format::Python)),
    }
}

/// A folder with at least one batch.
pub fn is_folder(path: &Path) -> bool {
    // Errors are reported when the data set is opened.
    batches(path).map_or(true, |files| !files.is_empty())
}

pub fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    [".tar.gz", ".tgz", ".tar"].iter().any(|ending| name.ends_with(ending))
}

/// The batches of a folder. If only the test part is needed, training batches are not read.
///
/// # Errors
/// A batch that is missing, truncated or of another format than its name states.
pub fn open_folder(path: &Path, only_test: bool) -> Result<Opened> {
    let mut collection = Collection::default();
    for (file, kind) in batches(path)? {
        collection.kind = Some(kind);
        if !only_test || kind.part == Part::Test {
            let bytes = input::read(&file)?;
            collection.add(kind, bytes, &file.display().to_string())?;
        }
    }
    collection.finish(path, only_test)
}

/// The batches of a `.tar.gz` or `.tar`, without unpacking it to disk. None if it has none.
///
/// # Errors
/// An archive that is damaged, or lacks batches.
pub fn open_archive(path: &Path) -> Result<Option<Opened>> {
    let file = input::open(path)?;
    let compressed = !path.to_string_lossy().to_lowercase().ends_with(".tar");
    let stream: Box<dyn Read> =
        if compressed { Box::new(input::gunzip(file, input::limit())) } else { Box::new(BufReader::new(file)) };
    let named = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let wanted = |path: &str| Kind::of(&named(path)).is_some() || Kind::is_copy(&named(path));
    let members = input::tar_members(stream, input::limit(), wanted)
        .with_context(|| format!("{}: the archive is damaged or cut short; download it again", path.display()))?;
    let mut members: Vec<_> = members.into_iter().map(|(name, bytes)| (named(&name), bytes)).collect();
    if members.is_empty() {
        return Ok(None);
    }
    members.sort_by(|a, b| a.0.cmp(&b.0));
    let mut collection = Collection::default();
    for (name, bytes) in members {
        let place = format!("{}: {name}", path.display());
        let kind = Kind::of(&name).with_context(|| copy(&place))?;
        collection.add(kind, bytes, &place)?;
    }
    collection.finish(path, false).map(Some)
}

/// The batches in a folder, sorted. If there are several formats, those of the first one.
fn batches(path: &Path) -> Result<Vec<(PathBuf, Kind)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("{}: cannot be listed", path.display()))? {
        let file = entry.with_context(|| format!("{}: cannot be listed", path.display()))?.path();
        let Some(name) = file.file_name().map(|name| name.to_string_lossy()) else { continue };
        ensure!(!Kind::is_copy(&name), "{}", copy(&file.display().to_string()));
        if let Some(kind) = Kind::of(&name)
            && file.is_file()
        {
            files.push((file, kind));
        }
    }
    let first = files.iter().map(|(_, kind)| kind.format).min();
    files.retain(|(_, kind)| Some(kind.format) == first);
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

fn copy(place: &str) -> String {
    format!("{place}: by its name this is a copy of a batch, whose images would count twice; move it away")
}

/// Images and labels of the batches read so far.
#[derive(Default)]
struct Collection {
    kind: Option<Kind>,
    /// Height of the images.
    side: usize,
    batches: Vec<Batch>,
    train: Option<Records>,
    test: Option<Records>,
}

impl Collection {
    fn add(&mut self, kind: Kind, bytes: Vec<u8>, place: &str) -> Result<()> {
        ensure!(!bytes.is_empty(), "{place}: the file is empty; copy or download it again");
        let records = match kind.format {
            Format::Binary => binary::read(bytes, place)?,
            Format::Python => python::read(&bytes, usize::from(kind.imagenet))
                .with_context(|| format!("{place}: not a pickled batch of images; copy or download it again"))?,
            Format::Npz => npz::read(&bytes, usize::from(kind.imagenet))
                .with_context(|| format!("{place}: not an npz file of images"))?,
        };
        self.kind = Some(kind);
        self.side = records.shape()[1];
        self.batches.push(Batch {
            part: kind.part,
            number: kind.number,
            records: records.len(),
            place: place.to_owned(),
        });
        let part = if kind.part == Part::Test { &mut self.test } else { &mut self.train };
        match part {
            Some(there) => there.append(records).with_context(|| format!("{place}: unlike the other batches"))?,
            None => *part = Some(records),
        }
        Ok(())
    }

    fn name(&self) -> String {
        if self.kind.is_some_and(|kind| kind.imagenet) { format!("ImageNet{}", self.side) } else { "CIFAR-10".into() }
    }

    fn missing(&self, part: Part, path: &Path) -> String {
        let wanted = self.kind.map_or("a batch", |kind| kind.wanted(part));
        format!("{}: {wanted} is missing", path.display())
    }

    fn finish(self, path: &Path, only_test: bool) -> Result<Opened> {
        ensure!(only_test || self.train.is_some(), self.missing(Part::Train, path));
        ensure!(self.test.is_some(), self.missing(Part::Test, path));
        published::complete(&self.name(), &self.batches).with_context(|| path.display().to_string())?;
        let name = self.name();
        let [pool, test] = [self.train, self.test].map(|part| part.map(Table::from));
        Ok(Opened { name, pool, test, published: true, ..Opened::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Kind, Part};

    #[test]
    fn names_say_what_a_batch_is() {
        for (name, expected) in [
            ("data_batch_1.bin", Some((Format::Binary, Part::Train))),
            ("test_batch.bin", Some((Format::Binary, Part::Test))),
            ("data_batch_5", Some((Format::Python, Part::Train))),
            ("test_batch", Some((Format::Python, Part::Test))),
            ("train_data_batch_10", Some((Format::Python, Part::Train))),
            ("train_data_batch_10.npz", Some((Format::Npz, Part::Train))),
            ("val_data.npz", Some((Format::Npz, Part::Test))),
            ("data_batch_", None),
            ("batches.meta", None),
            ("data_batch_1.npz", None),
            ("data_batch_1 (1).bin", None),
            ("data_batch_+1", None),
            ("readme.html", None),
        ] {
            assert_eq!(Kind::of(name).map(|kind| (kind.format, kind.part)), expected, "{name}");
        }
        for name in ["data_batch_1 (1).bin", "data_batch_2(1)", "test_batch copy", "val_data (2).npz"] {
            assert!(Kind::is_copy(name), "{name}");
        }
        assert!(!Kind::is_copy("data_batch_1.bin") && !Kind::is_copy("batches.meta"));
    }
}
