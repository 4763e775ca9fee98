//! Data sets as files: tables, IDX, arrays in memory and on disk, WebDataset, and files with the part of each record.

use super::{Choices, arrays, checkpoints};
use srvae::Builder;
use srvae::data::{self, Kept, Source, Split, formats};
use srvae::input;
use srvae::spec::{Role, Space, Spec, Variable};
use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};

thread_local! {
    /// A folder for the files of this thread.
    static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
}

/// In memory if there is such a file system, because millions of files are written.
fn folder() -> std::io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

/// The content, compressed.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Reads bytes as a file of this name. Returns whether they were accepted.
fn as_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> bool) -> bool {
    FOLDER.with_borrow_mut(|place| {
        if place.is_none() {
            *place = folder().ok();
        }
        let Some(place) = place else { return false };
        let path: PathBuf = place.path().join(name);
        std::fs::write(&path, bytes).is_ok() && read(&path)
    })
}

/// A table with up to four columns and ten lines.
pub fn csv(choices: &mut Choices<'_>) -> Vec<u8> {
    let separator = choices.pick(&[",", ",", ",", "\t", ";"]);
    let columns = choices.below(4) + 1;
    let names = ["x0", "x1", "file", "split", "label", "", "1.5", "x0", "é", "\"a\nb\""];
    let mut lines = vec![(0..columns).map(|_| choices.pick(&names)).collect::<Vec<_>>().join(separator)];
    let cells =
        ["0", "1", "-1.5e300", "nan", "", "cat", "train", "test", "\"", "\"a,b\"", "inf", "1e-400", "\u{feff}", "\0"];
    for _ in 0..choices.below(10) {
        let count = choices.about(columns as u64).min(8) as usize;
        lines.push((0..count).map(|_| choices.pick(&cells)).collect::<Vec<_>>().join(separator));
    }
    let text = lines.join(choices.pick(&["\n", "\n", "\r\n", "\r"])).into_bytes();
    let text = if choices.once_in(8) { gzip(&text) } else { text };
    choices.damage(text)
}

pub fn read_csv(bytes: &[u8]) -> bool {
    as_file("t.csv", bytes, |path| formats::csv::open(path, None).is_ok())
}

/// An IDX header and about as many bytes as it states.
pub fn idx(choices: &mut Choices<'_>) -> Vec<u8> {
    let (kind, width) = choices.pick(&[(8u8, 1), (8, 1), (9, 1), (11, 2), (12, 4), (13, 4), (14, 8), (10, 1), (0, 1)]);
    let axes = choices.below(4);
    let mut out = vec![0, choices.pick(&[0, 0, 0, 0, 0, 0, 0, 1]), kind, choices.about(axes as u64) as u8];
    let mut length = width;
    for _ in 0..axes {
        let size = choices.size() as u32;
        length = (length * size as usize).min(1 << 12);
        out.extend(size.to_be_bytes());
    }
    let length = choices.about(length as u64).min(1 << 12) as usize;
    out.extend(choices.bytes(length));
    let out = if choices.once_in(8) { gzip(&out) } else { out };
    choices.damage(out)
}

pub fn read_idx(bytes: &[u8]) -> bool {
    as_file("images-idx3-ubyte", bytes, |path| formats::idx::open_file(path).is_ok())
}

/// An array, an archive of arrays or a safetensors file, preceded by its file extension.
pub fn stored(choices: &mut Choices<'_>) -> Vec<u8> {
    match choices.below(3) {
        0 => [b"n".to_vec(), arrays::npz(choices)].concat(),
        1 => [b"s".to_vec(), checkpoints::safetensors(choices)].concat(),
        _ => [b"i".to_vec(), idx(choices)].concat(),
    }
}

/// Opens it as data and reads a record, once with large arrays left on disk and once in memory.
pub fn read_stored(bytes: &[u8]) -> bool {
    let Some((kind, bytes)) = bytes.split_first() else { return false };
    let name = match kind {
        b's' => "a.safetensors",
        b'i' => "a.idx",
        _ if bytes.starts_with(b"\x93NUMPY") => "a.npy",
        _ => "a.npz",
    };
    let variable = Variable::new("x", Role::Observed, Space::Real, &[3]);
    let spec = Spec {
        name: "m".into(),
        source: String::new(),
        preset: None,
        settings: Vec::new(),
        variables: vec![variable],
        builder: Builder::new(|_, _| Err(std::io::Error::other("not to be built").into())),
    };
    let load = |path: &Path| {
        let opened = data::Reader::open(&Source::of(path)).is_ok();
        opened | data::load(&Source::of(path), &spec, Split::None).is_ok()
    };
    as_file(name, bytes, |path| {
        let in_memory = load(path);
        input::set_resident(0);
        let on_disk = load(path);
        input::set_resident(input::stored::DEFAULT_RESIDENT);
        in_memory | on_disk
    })
}

/// A WebDataset with some wrong values.
pub fn webdataset(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for record in 0..choices.below(4) {
        for ending in ["png", "cls", "txt", "json"] {
            if choices.once_in(5) {
                continue;
            }
            let count = choices.below(20);
            let content =
                if ending == "cls" { choices.below(12).to_string().into_bytes() } else { choices.bytes(count) };
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            let name = format!("{}{record}.{ending}", choices.pick(&["", "", "a/", "./"]));
            if archive.append_data(&mut header, name, content.as_slice()).is_err() {
                return Vec::new();
            }
        }
    }
    let bytes = archive.into_inner().unwrap_or_default();
    choices.damage(bytes)
}

pub fn read_webdataset(bytes: &[u8]) -> bool {
    as_file("a.tar", bytes, |path| formats::webdataset::open(path).is_ok())
}

/// The record of a run's data, with some values changed.
pub fn split(choices: &mut Choices<'_>) -> Vec<u8> {
    let list = |choices: &mut Choices<'_>| match choices.below(6) {
        0 => "{\"of\": 5, \"seed\": 1, \"from\": 0, \"count\": 3}".to_owned(),
        1 => format!("[{}]", choices.size()),
        2 => "null".to_owned(),
        _ => "[0, 1, 2]".to_owned(),
    };
    let [train, validation, test] = [(); 3].map(|()| list(choices));
    let text = format!(
        "{{\"format\": {}, \"source\": \"a\", \"name\": \"a\", \"split\": \"{}\", \"seed\": {}, \"pool\": {{\"records\": {}, \
         \"fingerprint\": \"0\", \"names\": null}}, \"validation\": null, \"test\": null, \"division\": {{\"train\": {train}, \
         \"validation\": {validation}, \"test\": {test}}}, \"classes\": {{}}, \"scales\": {{}}}}",
        choices.about(1),
        choices.pick(&["standard", "0.1", "none", "half"]),
        choices.size(),
        choices.size(),
    );
    choices.damage(text.into_bytes())
}

pub fn read_split(bytes: &[u8]) -> bool {
    Kept::parse(bytes, Path::new("split.json")).is_ok()
}

/// A table as written by pyarrow, always damaged: its pages, the headers of its pages, or the description at its end.
#[cfg(feature = "parquet")]
pub fn parquet(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut bytes = include_bytes!("../fixtures/data/table.parquet").to_vec();
    // The length of the description is in the last eight bytes.
    let about = bytes.last_chunk::<8>().map_or(0, |end| u32::from_le_bytes([end[0], end[1], end[2], end[3]]) as usize);
    let begin = bytes.len() - 8 - about;
    for _ in 0..=choices.below(3) {
        // Half of the damage is in the description, by which everything else is read.
        let from = if choices.once_in(2) { begin } else { 0 };
        let at = from + choices.below(bytes.len() - from);
        match choices.below(6) {
            0 => bytes[at] ^= 1 << choices.below(8),
            1 => bytes[at] = choices.number() as u8,
            2 => bytes[at] = choices.pick(&[0, 1, 0x7f, 0x80, 0xff]),
            // Numbers have seven bits per byte, and the highest bit marks continuation: a large number.
            3 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte |= 0x80),
            4 => bytes.insert(at, choices.number() as u8),
            _ => bytes.truncate(at.max(begin + 1)),
        }
    }
    bytes
}

#[cfg(feature = "parquet")]
pub fn read_parquet(bytes: &[u8]) -> bool {
    as_file("a.parquet", bytes, |path| formats::parquet::open(path).is_ok())
}
