//! Tar: reads the members of an archive without unpacking it to disk.

use anyhow::{Context, Result, bail, ensure};
use std::io::{self, Read};
use tar::EntryType;

/// The maximum size in bytes of a record with a long name or other properties of the next member.
const MOST_PROPERTIES: u64 = 1 << 16;

/// Names and contents of the regular files of an archive whose path is accepted by `wanted`, in the archive's order.
///
/// Header checksums are verified for every member. The stream is read to its end, so that the checksum of a compressed
/// stream is verified.
///
/// # Errors
/// An archive that is damaged or truncated, or accepted members of more than `limit` bytes in total.
pub fn members(stream: impl Read, limit: u64, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, Vec<u8>)>> {
    let mut archive = tar::Archive::new(stream);
    let mut found = Vec::new();
    let (mut left, mut long_name) = (limit, None);
    // Raw entries, because the library would read a name of any length into memory.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName | EntryType::XHeader => {
                let properties = properties(&mut entry)?;
                long_name =
                    if kind == EntryType::XHeader { path_of(&properties)?.or(long_name) } else { Some(properties) };
                continue;
            }
            EntryType::GNULongLink | EntryType::XGlobalHeader => continue,
            _ => {}
        }
        let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        let name = String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned();
        if !matches!(kind, EntryType::Regular | EntryType::Continuous) || !wanted(&name) {
            continue;
        }
        let size = entry.header().entry_size()?;
        if size > left {
            super::within(limit - left + size, limit).with_context(|| name.clone())?;
        }
        left -= size;
        // The size in a header may be wrong, so memory grows with the data.
        let mut content = Vec::with_capacity(size.min(1 << 20) as usize);
        entry.read_to_end(&mut content).with_context(|| name.clone())?;
        ensure!(
            content.len() as u64 == size,
            "{name}: {} of its {size} bytes are there; the archive is cut short",
            content.len()
        );
        found.push((name, content));
    }
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(found)
}

fn properties(entry: &mut impl Read) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    entry.take(MOST_PROPERTIES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MOST_PROPERTIES {
        bail!("a member's name or properties have more than {MOST_PROPERTIES} bytes");
    }
    Ok(content)
}

/// The path in an extended header.
fn path_of(properties: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut path = None;
    for property in tar::PaxExtensions::new(properties) {
        let property = property?;
        match property.key_bytes() {
            b"path" => path = Some(property.value_bytes().to_vec()),
            b"size" => bail!("members of 8 GiB and more are not supported"),
            _ => {}
        }
    }
    Ok(path)
}
