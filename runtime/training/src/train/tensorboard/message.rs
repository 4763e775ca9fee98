//! Protocol buffers for TensorBoard: fields by number, and the frames of a record file.

/// A field with a whole number.
pub fn integer(number: u64, value: u64) -> Vec<u8> {
    [field(number, 0), varint(value)].concat()
}

/// A field with an `f64`.
pub fn double(number: u64, value: f64) -> Vec<u8> {
    [field(number, 1), value.to_le_bytes().to_vec()].concat()
}

/// A field with an `f32`.
pub fn float(number: u64, value: f32) -> Vec<u8> {
    [field(number, 5), value.to_le_bytes().to_vec()].concat()
}

/// A field with bytes, a string or a message.
pub fn bytes(number: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    [field(number, 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// A field with a message of these fields.
pub fn message(number: u64, fields: &[Vec<u8>]) -> Vec<u8> {
    bytes(number, fields.concat())
}

/// A record with its length and the checksums of both.
pub fn frame(record: &[u8]) -> Vec<u8> {
    let length = (record.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), record, &masked(record).to_le_bytes()].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

fn field(number: u64, wire: u64) -> Vec<u8> {
    varint(number << 3 | wire)
}

/// CRC-32C, rotated and offset as the format requires.
fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc32c(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[cfg(test)]
mod tests {
    use super::{crc32c, varint};

    #[test]
    fn checksums_and_numbers_are_the_standard_ones() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(varint(300), [0xac, 0x02]);
        assert_eq!(varint(0), [0]);
    }
}
