//! Numpy's archives of arrays: `data` (bytes) and `labels` (whole numbers).

use super::of_rows;
use crate::data::Images;
use anyhow::{Context, Result, bail, ensure};
use std::io::{Cursor, Read};
use zip::CompressionMethod;

/// Labels count from `first`.
///
/// # Errors
/// Bytes that are no such archive, or arrays of another type or shape.
pub fn read(bytes: &[u8], first: usize) -> Result<Images> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).context("the archive is damaged or cut short")?;
    let names: Vec<String> =
        zip.file_names().map(|name| name.map_or_else(|_| String::new(), |name| name.into_owned())).collect();
    let find = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.trim_end_matches(".npy")));
    let Some(data) = find(&["data", "images", "arr_0"]) else {
        bail!("there is no array `data` in it; it holds {}", names.join(", "));
    };
    let data = Array::read(&mut zip, data).context("array `data`")?;
    ensure!(data.kind == "u1", "array `data` has type {}, wanted are bytes (u1)", data.kind);
    let labels = match find(&["labels", "arr_1"]) {
        Some(index) => Some(Array::read(&mut zip, index).context("array `labels`")?.numbers()?),
        None => None,
    };
    match *data.shape.as_slice() {
        [rows, columns] => of_rows(rows, columns, data.content, labels, first),
        [rows, 3, height, width] if height == width => of_rows(rows, 3 * height * width, data.content, labels, first),
        [rows, height, width, 3] if height == width => {
            let pixels = height * width;
            let planes =
                |picture: &[u8]| (0..3 * pixels).map(|at| picture[at % pixels * 3 + at / pixels]).collect::<Vec<u8>>();
            let content = data.content.chunks_exact(3 * pixels).flat_map(planes).collect();
            of_rows(rows, 3 * pixels, content, labels, first)
        }
        _ => bail!(
            "array `data` has shape {:?}; wanted are [pictures, 3·side·side], or square pictures of three colours",
            data.shape
        ),
    }
}

/// An array as it lies in the archive.
struct Array {
    /// Without the order of bytes.
    kind: String,
    shape: Vec<usize>,
    content: Vec<u8>,
}

impl Array {
    fn read(zip: &mut zip::ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<Self> {
        let file = zip.by_index_raw(index).context("damaged")?;
        let (method, size) = (file.compression(), file.size());
        let mut bytes = Vec::new();
        match method {
            CompressionMethod::Stored => file.take(size).read_to_end(&mut bytes).context("cut short")?,
            // The archive's reader is built without decompression; this is the format's only other method.
            method if method == CompressionMethod::DEFLATE => {
                flate2::read::DeflateDecoder::new(file).take(size).read_to_end(&mut bytes).context("damaged")?
            }
            other => bail!("compressed by {other}, wanted is np.savez or np.savez_compressed"),
        };
        Self::parse(bytes)
    }

    /// Magic number, version, length of the header, the header (a dictionary as Python prints it), the numbers.
    fn parse(mut bytes: Vec<u8>) -> Result<Self> {
        ensure!(bytes.starts_with(b"\x93NUMPY") && bytes.len() > 12, "this is no numpy array");
        let (begin, length) = match bytes[6] {
            1 => (10usize, usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))),
            _ => (12, u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize),
        };
        let header =
            begin.checked_add(length).and_then(|end| bytes.get(begin..end)).context("its header is cut short")?;
        let header = String::from_utf8_lossy(header).into_owned();
        let entry = |name: &str| header.split_once(&format!("'{name}':")).map(|(_, rest)| rest.trim_start());
        let kind = entry("descr").and_then(|rest| rest.strip_prefix('\'')?.split('\'').next());
        let kind = kind.context("its header names no type")?.to_owned();
        ensure!(!kind.starts_with('>'), "its numbers begin with the highest byte; save it on an ordinary machine");
        ensure!(
            entry("fortran_order").is_some_and(|rest| rest.starts_with("False")),
            "its columns lie together, wanted are rows"
        );
        let shape = entry("shape")
            .and_then(|rest| rest.strip_prefix('(')?.split(')').next())
            .context("its header has no shape")?;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty()).map(str::parse);
        let shape: Vec<usize> = sizes.collect::<Result<_, _>>().context("its header has no shape")?;
        let kind = kind.trim_start_matches(['<', '|', '=']).to_owned();
        let width: usize = kind.get(1..).and_then(|width| width.parse().ok()).context("its numbers have no size")?;
        let content = bytes.split_off(begin + length);
        let wanted =
            shape.iter().try_fold(width, |product, &size| product.checked_mul(size)).context("its shape has no end")?;
        ensure!(
            content.len() == wanted,
            "shape {shape:?} of {kind} is {wanted} bytes, found are {}; the file is cut short",
            content.len()
        );
        Ok(Self { kind, shape, content })
    }

    fn numbers(&self) -> Result<Vec<i64>> {
        let signed = self.kind.starts_with('i');
        ensure!(
            signed || self.kind.starts_with('u'),
            "array `labels` has type {}, wanted are whole numbers",
            self.kind
        );
        let width = self.kind[1..].parse::<usize>().unwrap_or(1).clamp(1, 8);
        let number = |bytes: &[u8]| {
            let mut full = [if signed && bytes[bytes.len() - 1] & 0x80 != 0 { 0xff } else { 0 }; 8];
            full[..bytes.len()].copy_from_slice(bytes);
            i64::from_le_bytes(full)
        };
        Ok(self.content.chunks_exact(width).map(number).collect())
    }
}
