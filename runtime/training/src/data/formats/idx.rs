//! IDX, the format of MNIST and similar data sets: `train-images-idx3-ubyte` and the like, also `.gz`.

use super::stored;
use crate::data::opened::{Opened, stem};
use crate::data::records::{LABELS, PICTURES};
use crate::data::table::{Field, Raw, Table};
use crate::input::{self, Array, Head, Stored};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The parts of a file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Named {
    test: bool,
    labels: bool,
}

impl Named {
    /// `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte.gz`, `emnist-letters-test-images-idx3-ubyte.gz`.
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let labels = match (
            name.contains("idx3") && name.contains("images"),
            name.contains("idx1") && name.contains("labels"),
        ) {
            (true, false) => false,
            (false, true) => true,
            _ => return None,
        };
        Some(Self { test: name.contains("t10k") || name.contains("test"), labels })
    }
}

/// Whether a folder has such a file, by the names.
pub fn is_folder(path: &Path) -> bool {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| Named::of(&path).is_some_and(|named| !named.labels) && path.is_file())
}

/// A single file of this form, by its name.
pub fn is_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    path.is_file() && (name.contains("idx") && name.contains("ubyte") || name.trim_end_matches(".gz").ends_with(".idx"))
}

fn files(path: &Path) -> Result<Vec<(PathBuf, Named)>> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    let mut files: Vec<(PathBuf, Named)> = Vec::new();
    for file in &paths {
        // A compressed copy of an uncompressed file is ignored.
        let packed = file.extension().is_some_and(|ending| ending == "gz") && paths.contains(&file.with_extension(""));
        let Some(named) = Named::of(file).filter(|_| !packed) else { continue };
        if let Some((other, _)) = files.iter().find(|(_, other)| *other == named) {
            bail!(
                "{} and {}: two files for the same part; keep one data set in a folder",
                other.display(),
                file.display()
            );
        }
        files.push((file.clone(), named));
    }
    // Images before their labels.
    files.sort_by_key(|(_, named)| (named.test, named.labels));
    Ok(files)
}

/// The training and test files of a folder.
///
/// # Errors
/// A damaged file, different numbers of images and labels, or a missing part.
pub fn open_folder(path: &Path, only_test: bool) -> Result<Opened> {
    let mut parts: [Vec<Field>; 2] = Default::default();
    for (file, named) in files(path)? {
        if only_test && !named.test {
            continue;
        }
        let name = if named.labels { LABELS } else { PICTURES };
        parts[usize::from(named.test)].push(Field { name: name.into(), raw: read(&file)? });
    }
    for (fields, what) in parts.iter().zip(["training", "test"]) {
        if let [a, b] = fields.as_slice() {
            let (a, b) = (a.raw.len(), b.raw.len());
            ensure!(
                a == b,
                "{}: {a} {what} images and {b} labels; one of the files is of another data set",
                path.display()
            );
        }
        let labels_alone = fields.first().is_some_and(|field| field.name == LABELS);
        ensure!(!labels_alone, "{}: there are {what} labels without images", path.display());
    }
    let name = path.file_name().map_or_else(|| "MNIST".into(), |name| name.to_string_lossy().into_owned());
    let [pool, test] = parts.map(|fields| (!fields.is_empty()).then(|| Table::new(fields)));
    ensure!(
        only_test || pool.is_some(),
        "{}: the training images are missing (train-images-idx3-ubyte)",
        path.display()
    );
    Ok(Opened { name, pool, test, ..Opened::default() })
}

/// One file: its numbers with the name of the file, and the labels of a file with a matching name.
///
/// # Errors
/// A damaged file.
pub fn open_file(path: &Path) -> Result<Opened> {
    let raw = read(path)?;
    let is_single = matches!(&raw, Raw::Numbers(array) if array.shape.len() == 1);
    let name = if is_single { LABELS } else { PICTURES };
    let mut fields = vec![Field { name: name.into(), raw }];
    let beside = path.display().to_string().replace("images", "labels").replace("idx3", "idx1");
    if name == PICTURES && beside != path.display().to_string() && Path::new(&beside).is_file() {
        let labels = read(Path::new(&beside))?;
        ensure!(
            labels.len() == fields[0].raw.len(),
            "{beside}: {} labels for {} images",
            labels.len(),
            fields[0].raw.len()
        );
        fields.push(Field { name: LABELS.into(), raw: labels });
    }
    Ok(Opened { name: stem(path), pool: Some(Table::new(fields)), ..Opened::default() })
}

/// Two zeros, the type, the number of axes, their sizes (big-endian), the numbers.
fn read(path: &Path) -> Result<Raw> {
    if let Some(raw) = large(path)? {
        return Ok(raw);
    }
    let place = || format!("{}: cannot be read as an IDX file", path.display());
    let mut bytes = input::read(path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut content = Vec::new();
        input::gunzip(bytes.as_slice(), input::limit()).read_to_end(&mut content).with_context(place)?;
        bytes = content;
    }
    Ok(Raw::Numbers(parse(bytes).with_context(place)?))
}

/// The array of a large uncompressed IDX file.
///
/// # Errors
/// A damaged file.
fn large(path: &Path) -> Result<Option<Raw>> {
    let Some(file) = stored::large(path)? else { return Ok(None) };
    let read = || -> Result<Option<Raw>> {
        let first = input::stored::part(&file, 0, 4)?;
        if first.starts_with(&[0x1f, 0x8b]) {
            return Ok(None);
        }
        let begin = 4 + 4 * usize::from(first[3]);
        let head = head(&input::stored::part(&file, 0, begin)?)?;
        let end = head.shape.iter().try_fold(head.kind.width() as u64, |size, &axis| size.checked_mul(axis as u64));
        let wanted = end.and_then(|end| end.checked_add(begin as u64));
        ensure!(wanted == Some(file.metadata()?.len()), "its length is not that of shape {:?}", head.shape);
        stored::raw(Stored::new(file.clone(), path, begin as u64, &head)?).map(Some)
    };
    read().with_context(|| format!("{}: cannot be read as an IDX file", path.display()))
}

/// The header of a file, from at least its bytes.
///
/// # Errors
/// Bytes of another format.
fn head(bytes: &[u8]) -> Result<Head> {
    let &[0, 0, kind, axes] = bytes.first_chunk::<4>().context("it is cut short")? else {
        bail!("it does not begin with two zeros")
    };
    let descr = match kind {
        0x08 => "|u1",
        0x09 => "|i1",
        0x0b => ">i2",
        0x0c => ">i4",
        0x0d => ">f4",
        0x0e => ">f8",
        other => bail!("its numbers are of type {other:#04x}; there are 0x08 (bytes) to 0x0e"),
    };
    let begin = 4 + 4 * usize::from(axes);
    let sizes = bytes.get(4..begin).context("its header is cut short")?;
    let size = |size: &[u8]| u32::from_be_bytes([size[0], size[1], size[2], size[3]]) as usize;
    Head::new(descr, false, sizes.chunks_exact(4).map(size).collect())
}

fn parse(mut bytes: Vec<u8>) -> Result<Array> {
    let head = head(&bytes)?;
    bytes.drain(..4 + 4 * head.shape.len());
    Array::of(head, bytes)
}

#[cfg(test)]
mod tests {
    use super::{Named, parse};
    use crate::input::Kind;
    use std::path::Path;

    #[test]
    fn names_say_part_and_kind() {
        for (name, expected) in [
            ("train-images-idx3-ubyte", Some((false, false))),
            ("t10k-labels-idx1-ubyte.gz", Some((true, true))),
            ("train-images.idx3-ubyte", Some((false, false))),
            ("emnist-letters-test-images-idx3-ubyte.gz", Some((true, false))),
            ("images.png", None),
        ] {
            assert_eq!(Named::of(Path::new(name)).map(|named| (named.test, named.labels)), expected, "{name}");
        }
    }

    #[test]
    fn headers_say_type_and_shape() {
        let array = parse([&[0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2, 0xff, 0xfe]].concat()).unwrap();
        assert_eq!((array.kind, array.shape.as_slice()), (Kind::Signed(2), [1, 2].as_slice()));
        assert_eq!(array.integers().unwrap(), [258, -2]);
        for (bytes, words) in [
            (vec![0, 0], "cut short"),
            (vec![1, 0, 8, 1], "does not begin with two zeros"),
            (vec![0, 0, 0x0a, 1, 0, 0, 0, 0], "type 0x0a"),
            (vec![0, 0, 8, 3, 0, 0, 0, 1], "its header is cut short"),
            (vec![0, 0, 8, 1, 0, 0, 0, 5, 1, 2], "found are 2"),
            ([&[0, 0, 8, 8][..], &[0xff; 32]].concat(), "overflows"),
        ] {
            let error = format!("{:#}", parse(bytes).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }
}
