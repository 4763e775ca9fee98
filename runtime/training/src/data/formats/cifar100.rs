//! CIFAR-100, binary or pickled: images of 100 classes, with 20 coarse classes.

use super::python;
use crate::data::cells::{Cells, Column};
use crate::data::opened::Opened;
use crate::data::records::{LABELS, Records};
use crate::data::table::Table;
use crate::input;
use anyhow::{Context, Result, ensure};
use std::io::{BufReader, Read};
use std::path::Path;

const SHAPE: [usize; 3] = [3, 32, 32];
/// The coarse label, the fine label, the image.
const RECORD: usize = 2 + 3 * 32 * 32;
/// The numbers of coarse and of fine labels.
const CLASSES: [u8; 2] = [20, 100];

/// By the file names: `train.bin` and `test.bin` with `fine_label_names.txt`, or `train`, `test` and `meta`.
pub fn is_folder(path: &Path) -> bool {
    let has = |name: &str| path.join(name).is_file();
    (has("test.bin") && has("fine_label_names.txt")) || (has("test") && has("meta"))
}

/// # Errors
/// A file that is missing or damaged.
pub fn open(path: &Path, only_test: bool) -> Result<Opened> {
    let pickled = path.join("meta").is_file();
    let part = |name: &str| -> Result<Table> {
        let file = path.join(if pickled { name.to_owned() } else { format!("{name}.bin") });
        let bytes = input::read(&file)?;
        let place = || format!("{}: not a part of CIFAR-100; copy or download it again", file.display());
        let records = if pickled { python::read(&bytes, 0) } else { binary(&bytes) }.with_context(place)?;
        Ok(Table::from(records))
    };
    let pool = if only_test { None } else { Some(part("train")?) };
    Ok(Opened { name: "CIFAR-100".into(), pool, test: Some(part("test")?), published: true, ..Opened::default() })
}

/// The parts in a `.tar.gz` or `.tar`. None if it has none.
///
/// # Errors
/// An archive that is damaged, or lacks a part.
pub fn open_archive(path: &Path) -> Result<Option<Opened>> {
    let file = input::open(path)?;
    let is_packed = !path.to_string_lossy().to_lowercase().ends_with(".tar");
    let stream: Box<dyn Read> =
        if is_packed { Box::new(input::gunzip(file, input::limit())) } else { Box::new(BufReader::new(file)) };
    let named = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let wanted = |path: &str| {
        // The names of Python's parts are common words, so they count only in their own folder.
        let of_python = path.contains("cifar-100-python/") && ["train", "test"].contains(&named(path).as_str());
        ["train.bin", "test.bin"].contains(&named(path).as_str()) || of_python
    };
    let members = input::tar_members(stream, input::limit(), wanted)
        .with_context(|| format!("{}: the archive is damaged or cut short; download it again", path.display()))?;
    if members.is_empty() {
        return Ok(None);
    }
    let part = |what: &str| -> Result<Table> {
        let found = members.iter().find(|(name, _)| named(name).trim_end_matches(".bin") == what);
        let (name, bytes) = found.with_context(|| format!("{}: there is no `{what}` in it", path.display()))?;
        let records = if name.ends_with(".bin") { binary(bytes) } else { python::read(bytes, 0) };
        let place = || format!("{}: {name}: not a part of CIFAR-100; download it again", path.display());
        Ok(Table::from(records.with_context(place)?))
    };
    let (pool, test) = (Some(part("train")?), Some(part("test")?));
    Ok(Some(Opened { name: "CIFAR-100".into(), pool, test, published: true, ..Opened::default() }))
}

fn binary(bytes: &[u8]) -> Result<Records> {
    let rest = bytes.len() % RECORD;
    ensure!(
        rest == 0 && !bytes.is_empty(),
        "{} bytes are not a whole number of records of {RECORD} bytes",
        bytes.len()
    );
    let mut pictures = Vec::with_capacity(bytes.len());
    let mut labels = [Vec::new(), Vec::new()];
    for (number, record) in bytes.chunks_exact(RECORD).enumerate() {
        for (which, (list, classes)) in labels.iter_mut().zip(CLASSES).enumerate() {
            ensure!(record[which] < classes, "record {number} has label {} of {classes} classes", record[which]);
            list.push(usize::from(record[which]));
        }
        pictures.extend_from_slice(&record[2..]);
    }
    let [coarse, fine] = labels;
    let mut records = Records::new(SHAPE, pictures, Some(fine))?;
    records.insert(Column { name: format!("coarse_{LABELS}"), cells: Cells::Classes(coarse) })?;
    Ok(records)
}
