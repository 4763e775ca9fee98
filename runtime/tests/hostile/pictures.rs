//! PNG: chunks with correct checksums, but inconsistent headers and data.

use super::{Choices, archives};

/// A small image with wrong values in the header, palette or profile.
pub fn png(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let (width, height) = (choices.below(6) as u32 + 1, choices.below(6) as u32 + 1);
    let mut header = Vec::new();
    header.extend_from_slice(&(choices.about(u64::from(width)) as u32).to_be_bytes());
    header.extend_from_slice(&(choices.about(u64::from(height)) as u32).to_be_bytes());
    let (depth, colour): (u8, u8) =
        choices.pick(&[(8, 2), (8, 2), (8, 0), (8, 6), (16, 2), (1, 3), (8, 3), (4, 4), (0, 7)]);
    header.extend_from_slice(&[depth, colour, 0, 0, choices.pick(&[0, 0, 0, 1, 2])]);
    chunk(choices, b"IHDR", &header, &mut out);
    for _ in 0..choices.below(4) {
        let kind =
            choices.pick(&[b"PLTE", b"tRNS", b"iCCP", b"gAMA", b"zTXt", b"eXIf", b"acTL", b"fcTL", b"IHDR", b"IEND"]);
        let length = choices.pick(&[0, 1, 3, 4, 8, 26, 40, 768]);
        let content = match kind {
            b"iCCP" | b"zTXt" => [b"name\0\0".as_slice(), &zlib(choices, &vec![0; 64 * length])].concat(),
            _ => choices.bytes(length),
        };
        chunk(choices, kind, &content, &mut out);
    }
    let samples = [1, 0, 3, 1, 2, 0, 4, 0][usize::from(colour) % 8];
    let row = (width as usize * usize::from(depth) * samples).div_ceil(8) + 1;
    let length = choices.about((row * height as usize) as u64).min(4096) as usize;
    let mut data = choices.bytes(length);
    // Each row begins with the number of its filter.
    for filter in data.iter_mut().step_by(row) {
        *filter %= if choices.once_in(40) { 9 } else { 5 };
    }
    let packed = zlib(choices, &data);
    let packed = choices.damage(packed);
    chunk(choices, b"IDAT", &packed, &mut out);
    chunk(choices, b"IEND", &[], &mut out);
    choices.damage(out)
}

fn chunk(choices: &mut Choices<'_>, kind: &[u8; 4], content: &[u8], out: &mut Vec<u8>) {
    let length = if choices.once_in(8) { choices.about(content.len() as u64) } else { content.len() as u64 };
    out.extend_from_slice(&(length as u32).to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(content);
    out.extend_from_slice(kind);
    out.extend_from_slice(content);
    out.extend_from_slice(&crc.sum().to_be_bytes());
}

fn zlib(choices: &mut Choices<'_>, content: &[u8]) -> Vec<u8> {
    let (a, b) = content.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    let packed = archives::deflate(choices, content);
    [b"\x78\x01".as_slice(), &packed, &(b << 16 | a).to_be_bytes()].concat()
}
