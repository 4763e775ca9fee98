//! Records that are read on demand: data larger than memory, or generated data.

use super::Records;
use anyhow::Result;
use std::fmt::Debug;

/// A source of records.
///
/// A record must be a function of its position. The order of training follows from the seed, so a resumed run sees the
/// same records as an uninterrupted one, with any number of processes. [`Records::stored`] makes records from it.
pub trait Dataset: Debug + Send + Sync {
    /// The number of records.
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records at these positions, in this order: a column for each variable that the model takes from data.
    ///
    /// # Errors
    /// A record that cannot be read, or a value that is not valid for its variable.
    fn read(&self, indices: &[usize]) -> Result<Records>;

    /// The number of a record, for messages.
    fn number(&self, index: usize) -> usize {
        index
    }

    /// For sequences, the number of steps of every record.
    fn lengths(&self) -> Option<Vec<usize>> {
        None
    }

    /// An identification of the data, which processes that train together compare.
    fn fingerprint(&self) -> String {
        String::new()
    }
}
