//! Records as data that must be the same on all ranks.

use super::cells::Cells;
use super::records::Records;
use crate::ranks::{self, Mark};
use sha2::{Digest, Sha256};

/// A mark of records: of all their values, or for records that are not in memory of their data set's fingerprint.
pub fn mark(what: &str, records: &Records) -> Mark {
    let mut hash = Sha256::new();
    if let Some(dataset) = records.dataset() {
        hash.update(dataset.fingerprint());
    }
    for column in records.columns() {
        hash.update(column.name.as_bytes());
        match &column.cells {
            Cells::Pictures { shape, bytes } => {
                hash.update(format!("{shape:?}"));
                hash.update(bytes);
            }
            Cells::Reals { shape, numbers } => {
                hash.update(format!("{shape:?}"));
                hash.update(ranks::of_floats(numbers));
            }
            Cells::Codes { codes, .. } => codes.iter().for_each(|code| hash.update(code.to_le_bytes())),
            Cells::Classes(classes) => classes.iter().for_each(|class| hash.update((*class as u64).to_le_bytes())),
        }
    }
    Mark::hashed(what, &format!("{} records", records.len()), hash)
}
