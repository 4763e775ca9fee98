//! Named arrays: `.npz`, `.npy` (one, or a folder of them) and safetensors.

use super::stored;
use crate::data::opened::{Opened, stem};
use crate::data::photo::ENDINGS;
use crate::data::table::{Field, Raw, Table};
use crate::input::{self, Archive, Array, Kind};
use anyhow::{Context, Result, bail, ensure};
use safetensors::SafeTensors;
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

/// Whether a file has the extension of an array file.
pub fn is_file(path: &Path) -> bool {
    kind(path).is_some()
}

fn kind(path: &Path) -> Option<fn(&Path) -> Result<Vec<(String, Array)>>> {
    match path.extension()?.to_string_lossy().to_lowercase().as_str() {
        "npz" => Some(npz),
        "npy" => Some(|path| Ok(vec![npy(path)?])),
        "safetensors" => Some(tensors),
        _ => None,
    }
}

/// The arrays of a file by name, of any shape.
///
/// # Errors
/// A file that is missing or damaged, or of another format.
pub fn named(path: &Path) -> Result<Vec<(String, Array)>> {
    ensure!(path.exists(), "{}: no such file", path.display());
    let read = kind(path).with_context(|| format!("{}: no file of arrays", path.display()))?;
    read(path)
}

/// The arrays of an archive written by NumPy.
///
/// # Errors
/// A damaged archive, or arrays that do not form a data set.
pub fn open_npz(path: &Path) -> Result<Opened> {
    match stored::npz(path)? {
        Some(arrays) => collect(path, arrays),
        None => collect(path, in_memory(npz(path)?)),
    }
}

fn in_memory(arrays: Vec<(String, Array)>) -> Vec<(String, Raw)> {
    arrays.into_iter().map(|(name, array)| (name, Raw::Numbers(array))).collect()
}

fn npz(path: &Path) -> Result<Vec<(String, Array)>> {
    let bytes = input::read(path)?;
    let read = || -> Result<Vec<(String, Array)>> {
        let mut archive = Archive::open(&bytes, input::limit())?;
        let names = archive.names().to_vec();
        let one = |(index, name): (usize, &String)| {
            let place = || format!("array `{name}`");
            let array = Array::parse(archive.member(index).with_context(place)?).with_context(place)?;
            Ok((name.trim_end_matches(".npy").to_owned(), array))
        };
        names.iter().enumerate().map(one).collect()
    };
    read().with_context(|| format!("{}: cannot be read as an npz file", path.display()))
}

/// A folder with `.npy` files and without images.
pub fn is_folder(path: &Path) -> bool {
    let pictures = |path: &Path| {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let ending = |path: &Path| path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        entries.filter_map(|entry| ending(&entry.path())).any(|ending| ENDINGS.contains(&ending.as_str()))
    };
    files(path).is_ok_and(|files| !files.is_empty()) && !pictures(path)
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// One array, or those of a folder, with the names of their files.
///
/// # Errors
/// A damaged file, or arrays that do not form a data set.
pub fn open_npy(path: &Path) -> Result<Opened> {
    let files = if path.is_dir() { files(path)? } else { vec![path.to_owned()] };
    let one = |file: &PathBuf| match stored::npy(file)? {
        Some(raw) => Ok((stem(file), raw)),
        None => npy(file).map(|(name, array)| (name, Raw::Numbers(array))),
    };
    collect(path, files.iter().map(one).collect::<Result<_>>()?)
}

fn npy(file: &Path) -> Result<(String, Array)> {
    let array = Array::parse(Cow::Owned(input::read(file)?));
    Ok((stem(file), array.with_context(|| format!("{}: cannot be read as an npy file", file.display()))?))
}

/// The tensors of a safetensors file.
///
/// # Errors
/// A damaged file, tensors of an unsupported type, or tensors that do not form a data set.
pub fn open_safetensors(path: &Path) -> Result<Opened> {
    match stored::tensors(path)? {
        Some(arrays) => collect(path, arrays),
        None => collect(path, in_memory(tensors(path)?)),
    }
}

fn tensors(path: &Path) -> Result<Vec<(String, Array)>> {
    let bytes = input::read(path)?;
    let read = || -> Result<Vec<(String, Array)>> {
        let file = SafeTensors::deserialize(&bytes)?;
        let mut arrays = Vec::new();
        for (name, tensor) in file.tensors() {
            let dtype = format!("{:?}", tensor.dtype());
            let kind = stored::descr(&dtype)
                .with_context(|| format!("tensor `{name}` is of type {dtype}, which is not supported as data"))?;
            let array = Array::new(kind, false, tensor.shape().to_vec(), tensor.data().to_vec());
            arrays.push((name.clone(), array.with_context(|| format!("tensor `{name}`"))?));
        }
        arrays.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(arrays)
    };
    read().with_context(|| format!("{}: cannot be read as a safetensors file", path.display()))
}

/// The part in an array's name, and the name without it: `x_train`, `train_images`, `test/labels`.
fn part(name: &str) -> (usize, String) {
    const PARTS: [&[&str]; 3] = [&["train", "training"], &["val", "valid", "validation"], &["test", "testing"]];
    let is = |word: &str| PARTS.iter().position(|names| names.contains(&word.to_lowercase().as_str()));
    for separator in ['_', '/', '.', '-'] {
        if let Some((first, rest)) = name.split_once(separator)
            && let Some(part) = is(first)
        {
            return (part, rest.to_owned());
        }
        if let Some((rest, last)) = name.rsplit_once(separator)
            && let Some(part) = is(last)
        {
            return (part, rest.to_owned());
        }
    }
    (0, name.to_owned())
}

/// A data set from named arrays. Their names may contain parts (`x_train`, `test_labels`). Without a test part, all
/// records are one pool.
fn collect(path: &Path, arrays: Vec<(String, Raw)>) -> Result<Opened> {
    let place = path.display();
    ensure!(!arrays.is_empty(), "{place}: there are no arrays in it");
    let named: Vec<(usize, String)> = arrays.iter().map(|(name, _)| part(name)).collect();
    let has_test = named.iter().any(|(part, _)| *part == 2) && named.iter().any(|(part, _)| *part == 0);
    let mut parts: [Vec<Field>; 3] = Default::default();
    let mut notes = Vec::new();
    for ((name, raw), (part, short)) in arrays.into_iter().zip(named) {
        if matches!(&raw, Raw::Numbers(array) if array.shape.is_empty()) {
            notes.push(format!("array `{name}` is a single number and is skipped"));
            continue;
        }
        let (part, name) = if has_test { (part, short) } else { (0, name) };
        ensure!(!parts[part].iter().any(|field| field.name == name), "{place}: two arrays are named `{name}`");
        parts[part].push(Field { name, raw });
    }
    for fields in &parts {
        if let Some(odd) = fields.iter().find(|field| field.raw.len() != fields[0].raw.len()) {
            let list: Vec<String> =
                fields.iter().map(|field| format!("{} {}", field.name, field.raw.describe())).collect();
            bail!(
                "{place}: array `{}` has {} records and `{}` has {}; the first axis is the records, in all arrays \
                 ({})",
                odd.name,
                odd.raw.len(),
                fields[0].name,
                fields[0].raw.len(),
                list.join(", ")
            );
        }
    }
    let [pool, validation, test] = parts.map(|fields| (!fields.is_empty()).then(|| Table::new(fields)));
    Ok(Opened { name: stem(path), pool, validation, test, notes, published: false })
}

/// The numbers of an array as f64, exact for all but 64-bit whole numbers above 2^53.
pub fn numbers(array: &Array) -> Vec<f64> {
    let width = array.kind.width();
    let rows = array.content.chunks_exact(width);
    let integer = |bytes: &[u8], signed: bool| {
        let fill = if signed && bytes[width - 1] & 0x80 != 0 { 0xff } else { 0 };
        let mut full = [fill; 8];
        full[..width].copy_from_slice(bytes);
        if signed { i64::from_le_bytes(full) as f64 } else { u64::from_le_bytes(full) as f64 }
    };
    match array.kind {
        Kind::Bool | Kind::Unsigned(_) => rows.map(|bytes| integer(bytes, false)).collect(),
        Kind::Signed(_) => rows.map(|bytes| integer(bytes, true)).collect(),
        Kind::Float(2) => rows.map(|bytes| half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f64()).collect(),
        Kind::Float(4) => {
            rows.map(|bytes| f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))).collect()
        }
        Kind::Float(_) => {
            rows.map(|bytes| f64::from_le_bytes(<[u8; 8]>::try_from(bytes).unwrap_or_default())).collect()
        }
    }
}
