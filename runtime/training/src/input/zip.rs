//! Zip: the members of an archive in memory, each verified by its checksum.
//!
//! The library reads the archive's directory. In addition this module verifies that all copies of a number in the
//! archive agree, that members do not overlap, and every member's CRC-32.

use super::{within, zip_layout};
use anyhow::{Context, Result, bail, ensure};
use std::borrow::Cow;
use std::io::{Cursor, Read};
use zip::CompressionMethod;

/// An archive with a verified directory.
pub struct Archive<'a> {
    zip: zip::ZipArchive<Cursor<&'a [u8]>>,
    bytes: &'a [u8],
    names: Vec<String>,
    /// The number of bytes that may still be unpacked.
    left: u64,
    limit: u64,
}

impl<'a> Archive<'a> {
    /// The archive in `bytes`. At most `limit` bytes will be unpacked.
    ///
    /// # Errors
    /// Bytes that are not an archive, or whose directory and members contradict each other.
    pub fn open(bytes: &'a [u8], limit: u64) -> Result<Self> {
        const DAMAGED: &str = "the archive is damaged or cut short";
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).context(DAMAGED)?;
        zip_layout::verify(&mut zip, bytes).context(DAMAGED)?;
        let names = zip.file_names().map(|name| Ok(name?.into_owned())).collect::<zip::result::ZipResult<_>>();
        Ok(Self { zip, bytes, names: names.context(DAMAGED)?, left: limit, limit })
    }

    /// In the order of the directory.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The content of a member, borrowed if it is not compressed.
    ///
    /// # Errors
    /// Content that is damaged, has another length or checksum than the directory states, is compressed by a method
    /// other than deflate, or would exceed the limit.
    pub fn member(&mut self, index: usize) -> Result<Cow<'a, [u8]>> {
        let name = self.names.get(index).cloned().unwrap_or_default();
        let file = self.zip.by_index_raw(index).with_context(|| format!("{name}: damaged"))?;
        ensure!(!file.encrypted(), "{name}: it is encrypted");
        let (method, size, checksum) = (file.compression(), file.size(), file.crc32());
        let start = file.data_start().with_context(|| format!("{name}: damaged"))?;
        let content = start.checked_add(file.compressed_size()).map(|end| start..end);
        let content = content.and_then(|range| self.bytes.get(range.start as usize..range.end as usize));
        let content = content.with_context(|| format!("{name}: the archive is cut short"))?;
        drop(file);
        if size > self.left {
            within((self.limit - self.left).saturating_add(size), self.limit).with_context(|| name.clone())?;
        }
        self.left -= size;
        let content = match method {
            CompressionMethod::Stored => Cow::Borrowed(content),
            // The archive's reader is built without decompression; deflate is the only other method of the supported
            // formats.
            CompressionMethod::DEFLATE => {
                Cow::Owned(inflate(content, size).with_context(|| format!("{name}: damaged"))?)
            }
            other => bail!("{name}: it is compressed by {other}; only deflate is supported"),
        };
        ensure!(content.len() as u64 == size, "{name}: {} bytes where the directory says {size}", content.len());
        let mut found = flate2::Crc::new();
        found.update(&content);
        ensure!(
            found.sum() == checksum,
            "{name}: its checksum is {:08x}, the archive says {checksum:08x}; the file is damaged",
            found.sum()
        );
        Ok(content)
    }
}

/// Decompresses at most one byte more than `size`. All of the input must be used.
fn inflate(content: &[u8], size: u64) -> Result<Vec<u8>> {
    let mut decoder = flate2::bufread::DeflateDecoder::new(content);
    // Deflate expands a byte to at most 1032 bytes.
    let mut bytes = Vec::with_capacity(size.min(content.len() as u64 * 1032) as usize);
    decoder.by_ref().take(size.saturating_add(1)).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 != size || decoder.into_inner().is_empty(), "bytes follow its last block");
    Ok(bytes)
}
