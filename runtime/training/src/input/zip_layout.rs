//! Verifies that every byte of a zip archive belongs to a member, the directory or its end, and that these are
//! consistent.
//!
//! The format is redundant: a member's header, the descriptor after its content, and the directory contain the same
//! numbers, and only the contents have a checksum. Readers use one of the copies and ignore the others. In a damaged
//! file they differ.

use anyhow::{Context, Result, bail, ensure};
use std::io::Cursor;
use zip::ZipArchive;

/// Sizes of the fixed parts of a member's header and of a directory entry.
const MEMBER: usize = 30;
const ENTRY: usize = 46;
/// The flag of a header with a descriptor after the content.
const DESCRIPTOR: u8 = 1 << 3;

/// The location of a member, and its directory entry.
struct Member {
    start: u64,
    content: u64,
    entry: u64,
    packed: u64,
    size: u64,
    checksum: u32,
}

/// # Errors
/// Copies that differ, or bytes that belong to nothing.
pub fn verify(zip: &mut ZipArchive<Cursor<&[u8]>>, bytes: &[u8]) -> Result<()> {
    zip.validate_header_consistency()?;
    ensure!(zip.offset() == 0, "{} bytes stand before its first member", zip.offset());
    let directory = zip.central_directory_start();
    let mut members = Vec::with_capacity(zip.len().min(bytes.len() / ENTRY));
    for index in 0..zip.len() {
        let file = zip.by_index_raw(index)?;
        members.push(Member {
            start: file.header_start(),
            content: file.data_start().context("a member without content")?,
            entry: file.central_header_start(),
            packed: file.compressed_size(),
            size: file.size(),
            checksum: file.crc32(),
        });
    }
    members.sort_by_key(|member| member.start);
    let mut at = 0;
    for member in &members {
        ensure!(member.start == at, "bytes from {at} to {} belong to no member", member.start);
        at = member.verify(bytes)?;
    }
    ensure!(at == directory, "bytes from {at} to {directory} belong to no member");
    let end = entries(bytes, usize::try_from(directory)?, members.len())?;
    ends(bytes, end, members.len() as u64, directory)
}

fn part(bytes: &[u8], from: u64, length: usize) -> Result<&[u8]> {
    let from = usize::try_from(from)?;
    from.checked_add(length).and_then(|end| bytes.get(from..end)).context("it is cut short")
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    bytes.get(at..at + width).unwrap_or_default().iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

impl Member {
    /// Compares the member's header and its descriptor with its entry. Returns the end of the member.
    fn verify(&self, bytes: &[u8]) -> Result<u64> {
        let (header, entry) = (part(bytes, self.start, MEMBER)?, part(bytes, self.entry, ENTRY)?);
        // Flags, method, time and date.
        ensure!(header[6..14] == entry[8..16], "a member and the directory contradict each other");
        ensure!(number(entry, 34, 2) == 0, "it is one part of several");
        let name = number(header, 26, 2);
        fields(part(bytes, self.start + MEMBER as u64 + name, number(header, 28, 2) as usize)?)?;
        let end = self.content.checked_add(self.packed).context("a member without end")?;
        if header[6] & DESCRIPTOR == 0 {
            return Ok(end);
        }
        // The descriptor repeats the checksum and the sizes, in 32 or 64 bits, usually after a signature.
        let checksum = self.checksum.to_le_bytes();
        for mark in [b"PK\x07\x08".as_slice(), b""] {
            let sizes = [self.packed, self.size];
            let wide = [mark, &checksum, &sizes.map(u64::to_le_bytes).concat()].concat();
            let narrow = [mark, &checksum, &sizes.map(|size| (size as u32).to_le_bytes()).concat()].concat();
            for descriptor in [wide, narrow] {
                if part(bytes, end, descriptor.len()).is_ok_and(|there| there == descriptor) {
                    return Ok(end + descriptor.len() as u64);
                }
            }
        }
        bail!("what follows a member contradicts the directory")
    }
}

/// Fields that archivers add to a member's header: 64-bit sizes, times, owners, names, and PyTorch's padding.
const FIELDS: [u64; 8] = [0x0001, 0x000a, 0x5455, 0x5855, 0x7075, 0x7855, 0x7875, PADDING];
/// PyTorch pads to the next multiple of 64 bytes with a field of the letter Z.
const PADDING: u64 = u16::from_le_bytes(*b"FB") as u64;

/// Refuses fields of unknown kinds, which indicate damage, and invalid padding.
fn fields(mut fields: &[u8]) -> Result<()> {
    while !fields.is_empty() {
        let (kind, length) = (number(fields, 0, 2), number(fields, 2, 2) as usize);
        let content = fields.get(4..4 + length).context("a member's header is cut short")?;
        ensure!(FIELDS.contains(&kind), "a member's header has a field of kind {kind:#06x}");
        ensure!(kind != PADDING || content.iter().all(|&byte| byte == b'Z'), "the padding of a member is damaged");
        fields = &fields[4 + length..];
    }
    Ok(())
}

/// Parses the directory and returns its end.
fn entries(bytes: &[u8], start: usize, count: usize) -> Result<usize> {
    let (mut at, mut found) = (start, 0);
    while let Some(entry) = bytes.get(at..).filter(|rest| rest.starts_with(b"PK\x01\x02")) {
        ensure!(entry.len() >= ENTRY, "its directory is cut short");
        at += ENTRY + [28, 30, 32].into_iter().map(|place| number(entry, place, 2) as usize).sum::<usize>();
        found += 1;
    }
    ensure!(found == count, "its directory has {found} entries, and {count} are known");
    Ok(at)
}

/// Parses the end of the directory, including the 64-bit one with its locator if the archive has them.
fn ends(bytes: &[u8], at: usize, count: u64, start: u64) -> Result<()> {
    let length = at as u64 - start;
    let mut end = bytes.get(at..).context("its directory is cut short")?;
    let is_wide = end.starts_with(b"PK\x06\x06");
    if is_wide {
        let (wide, rest) = end.split_at_checked(76).context("its end is cut short")?;
        let fields =
            [(4, 8, 44), (16, 4, 0), (20, 4, 0), (24, 8, count), (32, 8, count), (40, 8, length), (48, 8, start)];
        let locator = [(60, 4, 0), (64, 8, at as u64), (72, 4, 1)];
        let right = fields.iter().chain(&locator).all(|&(place, width, right)| number(wide, place, width) == right);
        ensure!(right && wide[56..60] == *b"PK\x06\x07", "its end contradicts its directory");
        end = rest;
    }
    ensure!(end.len() >= 22 && end.starts_with(b"PK\x05\x06"), "its end is cut short");
    let fields = [(4, 2, 0), (6, 2, 0), (8, 2, count), (10, 2, count), (12, 4, length), (16, 4, start)];
    for (place, width, right) in fields {
        let said = number(end, place, width);
        let unsaid = is_wide && said == (1 << (8 * width)) - 1;
        ensure!(said == right || unsaid, "its end contradicts its directory");
    }
    ensure!(number(end, 20, 2) as usize == end.len() - 22, "bytes follow its end");
    Ok(())
}
