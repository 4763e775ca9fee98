//! CIFAR-10 as its authors distribute it: records of a label byte and 3×32×32 picture bytes.

use super::{Data, Images, Split};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

const SHAPE: [usize; 3] = [3, 32, 32];
const RECORD: usize = 1 + 3 * 32 * 32;
const CLASSES: u8 = 10;

/// A folder that holds at least one batch.
pub fn is_folder(path: &Path) -> bool {
    batches(path).is_ok_and(|files| !files.is_empty())
}

pub fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    [".tar.gz", ".tgz", ".tar"].iter().any(|ending| name.ends_with(ending))
}

/// `data_batch_*.bin` and `test_batch.bin` of a folder.
///
/// # Errors
/// A batch that is missing, truncated or not made of CIFAR-10 records.
pub fn load_folder(path: &Path, shape: [usize; 3], split: Split) -> Result<Data> {
    let mut reader = Reader::default();
    for file in batches(path)? {
        let bytes = fs::read(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
        reader.add(&file.file_name().unwrap_or_default().to_string_lossy(), &bytes, &file.display().to_string())?;
    }
    reader.finish(path, shape, split)
}

/// The same out of `cifar-10-binary.tar.gz`, without unpacking it to disk.
///
/// # Errors
/// An archive that is damaged, or lacks the batches.
pub fn load_archive(path: &Path, shape: [usize; 3], split: Split) -> Result<Data> {
    let file = fs::File::open(path).with_context(|| format!("{}: cannot be opened", path.display()))?;
    let compressed = !path.to_string_lossy().to_lowercase().ends_with(".tar");
    let stream: Box<dyn Read> = if compressed { Box::new(flate2::read::GzDecoder::new(file)) } else { Box::new(file) };
    let damaged = || format!("{}: the archive is damaged or cut short; download it again", path.display());
    let mut members: Vec<(String, Vec<u8>)> = Vec::new();
    for entry in tar::Archive::new(stream).entries().with_context(damaged)? {
        let mut entry = entry.with_context(damaged)?;
        let name = entry.path().with_context(damaged)?.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_batch(&name) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).with_context(damaged)?;
            members.push((name, bytes));
        }
    }
    ensure!(
        !members.is_empty(),
        "{}: no data_batch_*.bin in this archive; wanted is the binary version, cifar-10-binary.tar.gz",
        path.display()
    );
    members.sort_by(|a, b| a.0.cmp(&b.0));
    let mut reader = Reader::default();
    for (name, bytes) in &members {
        reader.add(name, bytes, &format!("{}: {name}", path.display()))?;
    }
    reader.finish(path, shape, split)
}

fn is_batch(name: &str) -> bool {
    (name.starts_with("data_batch") || name == "test_batch.bin") && name.ends_with(".bin")
}

fn batches(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("{}: cannot be listed", path.display()))? {
        let file = entry.with_context(|| format!("{}: cannot be listed", path.display()))?.path();
        if file.file_name().is_some_and(|name| is_batch(&name.to_string_lossy())) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Collects records into training and test pictures.
#[derive(Default)]
struct Reader {
    train: (Vec<u8>, Vec<usize>),
    test: (Vec<u8>, Vec<usize>),
}

impl Reader {
    fn add(&mut self, name: &str, bytes: &[u8], place: &str) -> Result<()> {
        ensure!(!bytes.is_empty(), "{place}: the file is empty; copy or download it again");
        let rest = bytes.len() % RECORD;
        if rest != 0 {
            bail!(
                "{place}: {} bytes are {} records of {RECORD} bytes and {rest} bytes more; \
                 the file is cut short or is not CIFAR-10's binary version: copy or download it again",
                bytes.len(),
                bytes.len() / RECORD
            );
        }
        let (pictures, labels) = if name == "test_batch.bin" { &mut self.test } else { &mut self.train };
        for (number, record) in bytes.chunks_exact(RECORD).enumerate() {
            ensure!(
                record[0] < CLASSES,
                "{place}: record {number} has label {}, and CIFAR-10 has {CLASSES} classes; this is another format",
                record[0]
            );
            labels.push(usize::from(record[0]));
            pictures.extend_from_slice(&record[1..]);
        }
        Ok(())
    }

    fn finish(self, path: &Path, shape: [usize; 3], split: Split) -> Result<Data> {
        ensure!(!self.train.1.is_empty(), "{}: data_batch_*.bin is missing", path.display());
        ensure!(!self.test.1.is_empty(), "{}: test_batch.bin is missing", path.display());
        let all = Images::new(SHAPE, self.train.0, Some(self.train.1))?.resized(shape);
        let (train, validation) = split.apply(all);
        let test = Images::new(SHAPE, self.test.0, Some(self.test.1))?.resized(shape);
        Ok(Data { name: "CIFAR-10".into(), train, validation, test })
    }
}
