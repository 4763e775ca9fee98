//! Data sets that come as batches: CIFAR-10 (binary or pickled) and the downsampled ImageNet (npz or pickled), in a folder or
//! an archive.

use super::formats::{binary, npz, python};
use super::{Data, Images, Split};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Format {
    Binary,
    Python,
    Npz,
}

/// What a batch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Train,
    Test,
}

/// What a file's name says.
#[derive(Debug, Clone, Copy)]
struct Kind {
    format: Format,
    part: Part,
    imagenet: bool,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let kind = |format, part, imagenet| Some(Self { format, part, imagenet });
        let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        let (stem, format) = match name.rsplit_once('.') {
            Some((stem, "bin")) => (stem, Format::Binary),
            Some((stem, "npz")) => (stem, Format::Npz),
            Some(_) => return None,
            None => (name, Format::Python),
        };
        match stem {
            "test_batch" if format != Format::Npz => kind(format, Part::Test, false),
            "val_data" if format != Format::Binary => kind(format, Part::Test, true),
            _ if format == Format::Binary => {
                stem.starts_with("data_batch").then_some(()).and_then(|()| kind(format, Part::Train, false))
            }
            _ => match (stem.strip_prefix("data_batch_"), stem.strip_prefix("train_data_batch_")) {
                (Some(rest), _) if number(rest) && format == Format::Python => kind(format, Part::Train, false),
                (_, Some(rest)) if number(rest) => kind(format, Part::Train, true),
                _ => None,
            },
        }
    }

    /// The name of the batch that is missing where there is none for `part`.
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

/// A folder that holds at least one batch.
pub fn is_folder(path: &Path) -> bool {
    batches(path).is_ok_and(|files| !files.is_empty())
}

pub fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    [".tar.gz", ".tgz", ".tar"].iter().any(|ending| name.ends_with(ending))
}

/// The batches of a folder.
///
/// # Errors
/// A batch that is missing, truncated or of another format than its name says.
pub fn load_folder(path: &Path, shape: [usize; 3], split: Split) -> Result<Data> {
    read_folder(path, shape, false)?.finish(path, split)
}

/// The test pictures of a folder alone; the others are not even read.
///
/// # Errors
/// As [`load_folder`].
pub fn test_of_folder(path: &Path, shape: [usize; 3]) -> Result<(String, Images)> {
    read_folder(path, shape, true)?.test(path)
}

/// The batches of a `.tar.gz` or `.tar`, without unpacking it to disk.
///
/// # Errors
/// An archive that is damaged, or lacks batches.
pub fn load_archive(path: &Path, shape: [usize; 3], split: Split) -> Result<Data> {
    let file = fs::File::open(path).with_context(|| format!("{}: cannot be opened", path.display()))?;
    let compressed = !path.to_string_lossy().to_lowercase().ends_with(".tar");
    let stream: Box<dyn Read> = if compressed { Box::new(flate2::read::GzDecoder::new(file)) } else { Box::new(file) };
    let damaged = || format!("{}: the archive is damaged or cut short; download it again", path.display());
    let mut members: Vec<(String, Kind, Vec<u8>)> = Vec::new();
    for entry in tar::Archive::new(stream).entries().with_context(damaged)? {
        let mut entry = entry.with_context(damaged)?;
        let name = entry.path().with_context(damaged)?.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(kind) = Kind::of(&name) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).with_context(damaged)?;
            members.push((name, kind, bytes));
        }
    }
    ensure!(
        !members.is_empty(),
        "{}: no data_batch_*.bin and no data_batch_* in this archive; wanted is cifar-10-binary.tar.gz or \
         cifar-10-python.tar.gz",
        path.display()
    );
    members.sort_by(|a, b| a.0.cmp(&b.0));
    let mut collection = Collection::new(shape);
    for (name, kind, bytes) in members {
        collection.add(kind, bytes, &format!("{}: {name}", path.display()))?;
    }
    collection.finish(path, split)
}

fn read_folder(path: &Path, shape: [usize; 3], only_test: bool) -> Result<Collection> {
    let mut collection = Collection::new(shape);
    for (file, kind) in batches(path)? {
        collection.kind = Some(kind);
        if !only_test || kind.part == Part::Test {
            let bytes = fs::read(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
            collection.add(kind, bytes, &file.display().to_string())?;
        }
    }
    Ok(collection)
}

/// The batches in a folder, sorted; where it holds them in several formats, those in the first.
fn batches(path: &Path) -> Result<Vec<(PathBuf, Kind)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("{}: cannot be listed", path.display()))? {
        let file = entry.with_context(|| format!("{}: cannot be listed", path.display()))?.path();
        if let Some(kind) = file.file_name().and_then(|name| Kind::of(&name.to_string_lossy()))
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

/// Pictures and labels of the batches read so far.
struct Collection {
    shape: [usize; 3],
    kind: Option<Kind>,
    /// Height of the pictures as they were read.
    side: usize,
    train: Option<Images>,
    test: Option<Images>,
}

impl Collection {
    fn new(shape: [usize; 3]) -> Self {
        Self { shape, kind: None, side: 0, train: None, test: None }
    }

    fn add(&mut self, kind: Kind, bytes: Vec<u8>, place: &str) -> Result<()> {
        ensure!(!bytes.is_empty(), "{place}: the file is empty; copy or download it again");
        let images = match kind.format {
            Format::Binary => binary::read(bytes, place)?,
            Format::Python => python::read(&bytes, usize::from(kind.imagenet))
                .with_context(|| format!("{place}: not a pickled batch of pictures; copy or download it again"))?,
            Format::Npz => npz::read(&bytes, usize::from(kind.imagenet))
                .with_context(|| format!("{place}: not an npz file of pictures; copy or download it again"))?,
        };
        self.kind = Some(kind);
        self.side = images.shape()[1];
        let images = images.resized(self.shape);
        let part = if kind.part == Part::Test { &mut self.test } else { &mut self.train };
        match part {
            Some(there) => there.append(images),
            None => *part = Some(images),
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

    fn test(self, path: &Path) -> Result<(String, Images)> {
        let (name, missing) = (self.name(), self.missing(Part::Test, path));
        Ok((name, self.test.context(missing)?))
    }

    fn finish(mut self, path: &Path, split: Split) -> Result<Data> {
        let missing = self.missing(Part::Train, path);
        let (train, validation) = split.apply(self.train.take().context(missing)?);
        let (name, test) = self.test(path)?;
        Ok(Data { name, train, validation, test })
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
            ("readme.html", None),
        ] {
            assert_eq!(Kind::of(name).map(|kind| (kind.format, kind.part)), expected, "{name}");
        }
    }
}
