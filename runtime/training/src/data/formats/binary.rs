//! CIFAR-10's binary form: records of a label byte and 3×32×32 image bytes.

use crate::data::Records;
use anyhow::{Result, bail, ensure};

const SHAPE: [usize; 3] = [3, 32, 32];
const RECORD: usize = 1 + 3 * 32 * 32;
const CLASSES: u8 = 10;

/// # Errors
/// An incomplete record, or a label outside of CIFAR-10's.
pub fn read(bytes: Vec<u8>, place: &str) -> Result<Records> {
    let rest = bytes.len() % RECORD;
    if rest != 0 {
        bail!(
            "{place}: {} bytes are {} records of {RECORD} bytes and {rest} bytes more; \
             the file is cut short or is not CIFAR-10's binary version: copy or download it again",
            bytes.len(),
            bytes.len() / RECORD
        );
    }
    let (mut pictures, mut labels) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len() / RECORD));
    for (number, record) in bytes.chunks_exact(RECORD).enumerate() {
        ensure!(
            record[0] < CLASSES,
            "{place}: record {number} has label {}, and CIFAR-10 has {CLASSES} classes; this is another format",
            record[0]
        );
        labels.push(usize::from(record[0]));
        pictures.extend_from_slice(&record[1..]);
    }
    Records::new(SHAPE, pictures, Some(labels))
}
