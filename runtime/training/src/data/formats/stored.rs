//! Arrays of files that are too large for memory. They stay in the file, and records are read on demand.

use crate::data::table::Raw;
use crate::input::{self, Array, Head, Stored, stored};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use zip::CompressionMethod;

/// The file, if it is larger than [`input::resident`].
///
/// # Errors
/// A file that cannot be opened.
pub fn large(path: &Path) -> Result<Option<Arc<File>>> {
    let file = input::open(path)?;
    Ok((file.metadata()?.len() > input::resident()).then(|| Arc::new(file)))
}

/// The values of an array in its file. Classes, lengths and other single numbers per record are read at once, because they are small.
///
/// # Errors
/// A file that can no longer be read.
pub fn raw(stored: Stored) -> Result<Raw> {
    if stored.shape.len() > 1 {
        return Ok(Raw::Stored(stored));
    }
    Ok(Raw::Numbers(stored.read(&(0..stored.len()).collect::<Vec<_>>())?))
}

/// The array of a large `.npy` file.
///
/// # Errors
/// A damaged file.
pub fn npy(path: &Path) -> Result<Option<Raw>> {
    let Some(file) = large(path)? else { return Ok(None) };
    let read = || raw(stored::npy_at(&file, path, 0)?);
    Ok(Some(read().with_context(|| format!("{}: cannot be read as an npy file", path.display()))?))
}

/// The arrays of a large `.npz` archive. Uncompressed ones stay in the file, and their checksums are not verified,
/// because this would mean reading all of them.
///
/// # Errors
/// A damaged archive, or a large compressed array.
pub fn npz(path: &Path) -> Result<Option<Vec<(String, Raw)>>> {
    let Some(file) = large(path)? else { return Ok(None) };
    let read = || -> Result<Vec<(String, Raw)>> {
        let reader = BufReader::new(file.try_clone()?);
        let mut archive = zip::ZipArchive::new(reader).context("the archive is damaged or cut short")?;
        (0..archive.len()).map(|index| member(&mut archive, index, &file, path)).collect()
    };
    Ok(Some(read().with_context(|| format!("{}: cannot be read as an npz file", path.display()))?))
}

fn member(
    archive: &mut zip::ZipArchive<BufReader<File>>,
    index: usize,
    file: &Arc<File>,
    path: &Path,
) -> Result<(String, Raw)> {
    let mut member = archive.by_index_raw(index).context("the archive is damaged or cut short")?;
    let name = member.name().context("a member's name is not UTF-8")?.trim_end_matches(".npy").to_owned();
    let place = || format!("array `{name}`");
    ensure!(!member.encrypted(), "{}: it is encrypted", place());
    let (size, checksum) = (member.size(), member.crc32());
    match member.compression() {
        CompressionMethod::Stored => {
            let start = member.data_start().with_context(place)?;
            drop(member);
            let stored = stored::npy_at(file, path, start).with_context(place)?;
            Ok((name.clone(), raw(stored).with_context(place)?))
        }
        CompressionMethod::DEFLATE => {
            ensure!(
                size <= input::resident(),
                "{}: it is compressed and has {}, so its records cannot be read one by one; numpy.savez stores it \
                 uncompressed",
                place(),
                input::size(size)
            );
            let mut content = Vec::new();
            let mut inflated = flate2::read::DeflateDecoder::new(&mut member).take(size + 1);
            inflated.read_to_end(&mut content).with_context(place)?;
            let mut found = flate2::Crc::new();
            found.update(&content);
            let is_whole = content.len() as u64 == size && found.sum() == checksum;
            ensure!(is_whole, "{}: the file is damaged", place());
            Ok((name.clone(), Raw::Numbers(Array::parse(content.into()).with_context(place)?)))
        }
        other => bail!("{}: it is compressed by {other}; only deflate is supported", place()),
    }
}

/// A tensor in the header of a safetensors file.
#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

/// The tensors of a large safetensors file.
///
/// # Errors
/// A damaged file, or tensors of an unsupported type.
pub fn tensors(path: &Path) -> Result<Option<Vec<(String, Raw)>>> {
    let Some(file) = large(path)? else { return Ok(None) };
    let read = || -> Result<Vec<(String, Raw)>> {
        let length = stored::part(&file, 0, 8)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let head = stored::part(&file, 8, usize::try_from(length)?)?;
        let mut head: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&head).context("its header is no JSON")?;
        head.remove("__metadata__");
        // A scalar belongs to no record.
        head.retain(|_, about| about["shape"].as_array().is_none_or(|shape| !shape.is_empty()));
        let one = |(name, about): (String, serde_json::Value)| {
            let place = || format!("tensor `{name}`");
            let tensor: Tensor = serde_json::from_value(about).with_context(place)?;
            let descr = descr(&tensor.dtype)
                .with_context(|| format!("{} is of type {}, which is not supported as data", place(), tensor.dtype))?;
            let head = Head::new(descr, false, tensor.shape).with_context(place)?;
            let numbers =
                head.shape.iter().try_fold(head.kind.width() as u64, |size, &axis| size.checked_mul(axis as u64));
            let [from, to] = tensor.data_offsets;
            ensure!(to.checked_sub(from) == numbers, "{}: its offsets are not those of its shape", place());
            let start = from.checked_add(8 + length).with_context(place)?;
            Ok((name.clone(), raw(Stored::new(file.clone(), path, start, &head).with_context(place)?)?))
        };
        head.into_iter().map(one).collect()
    };
    Ok(Some(read().with_context(|| format!("{}: cannot be read as a safetensors file", path.display()))?))
}

/// NumPy's name for a type of safetensors.
pub fn descr(dtype: &str) -> Option<&'static str> {
    Some(match dtype {
        "BOOL" => "|b1",
        "U8" => "|u1",
        "I8" => "|i1",
        "U16" => "<u2",
        "I16" => "<i2",
        "U32" => "<u4",
        "I32" => "<i4",
        "U64" => "<u8",
        "I64" => "<i8",
        "F16" => "<f2",
        "F32" => "<f4",
        "F64" => "<f8",
        _ => return None,
    })
}
