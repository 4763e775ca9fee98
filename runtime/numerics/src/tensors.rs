//! Safetensors files. Our own have a checksum of the whole file; files of other programs are read without one.

use crate::{Device, Result, Tensor};
use candle_core::{Context, Error, bail};
use safetensors::SafeTensors;
use std::collections::BTreeMap;

/// The metadata entry with the CRC-32 of the file, computed with its own digits as zeros.
const CHECKSUM: &str = "srvae.crc32";
/// The entry as it appears in the header. Inside a text its quotes would be escaped, so it is unique.
const ENTRY: &str = "\"srvae.crc32\":\"";
const UNKNOWN: &str = "00000000";
/// The maximum size of a header in bytes. A thousand layers need a hundredth of it.
const MOST_HEADER: usize = 16 << 20;

/// A file after reading.
#[derive(Debug)]
pub struct File {
    /// Its metadata, without the checksum.
    pub about: BTreeMap<String, String>,
    pub tensors: BTreeMap<String, Tensor>,
    /// Whether it has a checksum, which then was correct.
    pub verified: bool,
}

/// A file of these tensors and metadata, with a checksum. The same content gives the same bytes.
///
/// # Errors
/// Tensors that cannot be written, such as those that are not contiguous.
pub fn write<'a>(
    tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>,
    about: &BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    let mut bytes = safetensors::serialize(tensors, None).map_err(Error::wrap)?;
    let mut about = about.clone();
    about.insert(CHECKSUM.to_owned(), UNKNOWN.to_owned());
    let (length, header) = header(&bytes)?;
    let rest = header.trim_end().strip_prefix('{').context("the header is no object")?;
    let comma = if rest == "}" { "" } else { "," };
    let mut header = format!("{{\"__metadata__\":{}{comma}{rest}", serde_json::to_string(&about).map_err(Error::wrap)?);
    // The numbers begin at a multiple of eight bytes.
    let padded = header.len().next_multiple_of(8);
    header.extend(std::iter::repeat_n(' ', padded - header.len()));
    let begin = [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes()].concat();
    bytes.splice(..8 + length, begin);
    let place = place(&bytes)?.context("the checksum has no place")?;
    let sum = checksum(&bytes, place);
    bytes[place..place + UNKNOWN.len()].copy_from_slice(sum.as_bytes());
    Ok(bytes)
}

/// Reads a file onto a device, and verifies its checksum if it has one.
///
/// # Errors
/// Bytes that are not such a file, a truncated file, or a wrong checksum.
pub fn read(bytes: &[u8], device: &Device) -> Result<File> {
    let place = place(bytes)?;
    if let Some(place) = place {
        let said = bytes.get(place..place + UNKNOWN.len()).unwrap_or_default();
        let found = checksum(bytes, place);
        if said != found.as_bytes() {
            let said = String::from_utf8_lossy(said);
            bail!("its checksum is {found}, the file says {said}; it is damaged");
        }
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(Error::wrap)?;
    let mut about: BTreeMap<String, String> = metadata.metadata().clone().unwrap_or_default().into_iter().collect();
    about.remove(CHECKSUM);
    // A damaged name of the entry must not be mistaken for a file without a checksum.
    if let Some(key) = about.keys().find(|key| is_nearly(key, CHECKSUM)) {
        bail!("its metadata has an entry `{key}` instead of `{CHECKSUM}`; it is damaged");
    }
    for (name, info) in metadata.tensors() {
        // If one size is 0, the others are arbitrary, and their product may overflow.
        let product = info.shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1)));
        if product.is_none_or(|count| count >= 1 << 48) {
            bail!("tensor {name} has shape {:?}", info.shape);
        }
    }
    let tensors = candle_core::safetensors::load_buffer(bytes, device)?.into_iter().collect();
    Ok(File { about, tensors, verified: place.is_some() })
}

/// Whether names differ in one or two bytes.
fn is_nearly(name: &str, other: &str) -> bool {
    let differing = name.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count();
    name.len() == other.len() && (1..=2).contains(&differing)
}

/// The header and its length.
fn header(bytes: &[u8]) -> Result<(usize, &str)> {
    let length = bytes.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
    let length = usize::try_from(length.context("it is cut short")?).unwrap_or(usize::MAX);
    if length > MOST_HEADER {
        bail!("its header would have {length} bytes");
    }
    let header = bytes.get(8..8 + length).context("its header is cut short")?;
    Ok((length, std::str::from_utf8(header).map_err(|_| Error::Msg("its header is not text".into()))?))
}

/// The position of the checksum's digits.
fn place(bytes: &[u8]) -> Result<Option<usize>> {
    Ok(header(bytes)?.1.find(ENTRY).map(|at| 8 + at + ENTRY.len()))
}

/// The checksum of the whole file, with its own digits as zeros.
fn checksum(bytes: &[u8], place: usize) -> String {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&bytes[..place]);
    sum.update(UNKNOWN.as_bytes());
    sum.update(bytes.get(place + UNKNOWN.len()..).unwrap_or_default());
    format!("{:08x}", sum.finalize())
}

#[cfg(test)]
mod tests {
    use super::{Device, Tensor, read, write};
    use std::collections::BTreeMap;

    #[test]
    fn what_was_written_comes_back_verified_and_in_the_same_bytes() {
        let tensors = BTreeMap::from([("b".to_owned(), Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap())]);
        // A text that looks like a checksum is not the checksum.
        let about = BTreeMap::from([("a".to_owned(), "\"srvae.crc32\":\"12345678\"".to_owned())]);
        let bytes = write(&tensors, &about).unwrap();
        assert_eq!(bytes, write(&tensors, &about).unwrap());
        let file = read(&bytes, &Device::Cpu).unwrap();
        assert!(file.verified && file.about == about);
        assert_eq!(file.tensors["b"].to_vec1::<f32>().unwrap(), [1.0, 2.0]);
        let empty = write(&BTreeMap::new(), &BTreeMap::new()).unwrap();
        assert!(read(&empty, &Device::Cpu).unwrap().tensors.is_empty());
    }

    /// One flipped bit anywhere, the checksum and its name included.
    #[test]
    fn every_flipped_bit_is_noticed() {
        let tensors = BTreeMap::from([("weight".to_owned(), Tensor::new(&[1f32, -2.5, 0.0], &Device::Cpu).unwrap())]);
        let good = write(&tensors, &BTreeMap::new()).unwrap();
        for bit in 0..8 * good.len() {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bytes, &Device::Cpu).is_err(), "bit {} of byte {}", bit % 8, bit / 8);
        }
        assert!(read(&good, &Device::Cpu).is_ok());
    }
}
