//! Zip, tar and gzip files whose headers state wrong sizes, overlap or repeat.

use super::Choices;
use std::io::Write;

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// An archive of these members, stored or deflated, with some wrong values.
pub fn zip(choices: &mut Choices<'_>, members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let method = if choices.once_in(30) { 12 } else { choices.pick(&[0u16, 8]) };
        let packed = if method == 8 { deflate(choices, content) } else { content.clone() };
        let begin = choices.about(out.len() as u64);
        let sizes = [u64::from(crc(content)), packed.len() as u64, content.len() as u64];
        let said = sizes.map(|size| choices.about(size) as u32);
        // The directory mostly repeats the local header.
        let again = if choices.once_in(20) { sizes.map(|size| choices.about(size) as u32) } else { said };
        let middle = |sizes: [u32; 3]| {
            let mut middle = vec![20, 0, 0, 0];
            middle.extend_from_slice(&method.to_le_bytes());
            middle.extend_from_slice(&[0, 0, 0x21, 0]);
            sizes.iter().for_each(|size| middle.extend_from_slice(&size.to_le_bytes()));
            middle.extend_from_slice(&(name.len() as u16).to_le_bytes());
            middle.extend_from_slice(&[0, 0]);
            middle
        };
        out.extend_from_slice(b"PK\x03\x04");
        out.extend(middle(said));
        out.extend_from_slice(name.as_bytes());
        out.extend(packed);
        directory.extend_from_slice(b"PK\x01\x02\x14\x03");
        directory.extend(middle(again));
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&(begin as u32).to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let begin = choices.about(out.len() as u64) as u32;
    let count = (choices.about(members.len() as u64) as u16).to_le_bytes();
    let length = choices.about(directory.len() as u64) as u32;
    out.extend(directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&begin.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    choices.damage(out)
}

/// The content as a deflate stream: sometimes compressed, otherwise in stored blocks, which are fifty times as fast to
/// make.
pub fn deflate(choices: &mut Choices<'_>, content: &[u8]) -> Vec<u8> {
    if choices.once_in(16) {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        return encoder.finish().unwrap();
    }
    let mut out = Vec::with_capacity(content.len() + 5);
    let mut rest = content;
    loop {
        let (block, more) = rest.split_at(rest.len().min(0xffff));
        let length = block.len() as u16;
        out.push(u8::from(more.is_empty()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
        rest = more;
        if rest.is_empty() {
            return out;
        }
    }
}

/// An archive of up to five members of every kind, compressed with probability one half.
pub fn tar_or_gzip(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..choices.below(6) {
        member(choices, &mut out);
    }
    if !choices.once_in(4) {
        out.extend_from_slice(&[0; 1024]);
    }
    let out = choices.damage(out);
    if choices.once_in(2) {
        return out;
    }
    // Of one member or two.
    let at = choices.below(out.len() + 1);
    let mut zipped = Vec::new();
    for part in [&out[..at], &out[at..]] {
        zipped.extend_from_slice(b"\x1f\x8b\x08\0\0\0\0\0\0\xff");
        zipped.extend(deflate(choices, part));
        zipped.extend_from_slice(&crc(part).to_le_bytes());
        zipped.extend_from_slice(&(part.len() as u32).to_le_bytes());
    }
    choices.damage(zipped)
}

fn member(choices: &mut Choices<'_>, out: &mut Vec<u8>) {
    let mut header = [0u8; 512];
    let kind = choices.pick(b"000LKxgS17\0");
    let content = match kind {
        b'L' => b"folder/data_with_a_long_name\0".to_vec(),
        b'x' => choices
            .pick(&[b"14 path=data\n\n".as_slice(), b"11 path=xy\n", b"25 size=99999999999999999\n", b"9999 a=b\n"])
            .to_vec(),
        _ => {
            let length = choices.below(600);
            choices.bytes(length)
        }
    };
    header[..6].copy_from_slice(choices.pick(&[b"a/data", b"readme", b"\xff\xfe//..", b"data\0\0"]));
    let size = choices.about(content.len() as u64);
    let digits = match choices.below(40) {
        38 => "77777777777".to_owned(),
        // As a binary number, as in large files.
        39 => {
            header[124] = 0x80;
            header[128..136].copy_from_slice(&size.to_be_bytes());
            String::new()
        }
        _ => format!("{:011o}", size & 0o77_777_777_777),
    };
    header[124..124 + digits.len()].copy_from_slice(digits.as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(choices.pick(&[b"ustar  \0", b"ustar\x0000", b"\0\0\0\0\0\0\0\0"]));
    if kind == b'S' {
        let number = choices.pick(&[*b"77777777777\0", *b"00000000001\0"]);
        header[386..398].copy_from_slice(&number);
        header[398..410].copy_from_slice(&number);
        header[483..495].copy_from_slice(&number);
    }
    header[148..156].fill(b' ');
    let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
    let sum = if choices.once_in(20) { choices.about(sum) & 0o777_777 } else { sum };
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(&content);
    out.resize(out.len().next_multiple_of(512), 0);
}
