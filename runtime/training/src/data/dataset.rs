//! Records that are read when they are wanted: of data that are larger than memory, or of one's own making.

use super::Records;
use anyhow::Result;
use std::fmt::Debug;

/// A source of records.
///
/// What it yields is a function of the position alone: training reads in an order that follows from the seed, so a resumed run sees
/// what the uninterrupted one would have seen, on any number of processes. [`Records::stored`] makes records of it.
pub trait Dataset: Debug + Send + Sync {
    /// How many records there are.
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records at these positions, in their order: a column for each variable that the model takes from data.
    ///
    /// # Errors
    /// A record that cannot be read, or a value that is none of its variable's.
    fn read(&self, indices: &[usize]) -> Result<Records>;

    /// The number of a record, for messages.
    fn number(&self, index: usize) -> usize {
        index
    }

    /// Of sequences, the steps of every record.
    fn lengths(&self) -> Option<Vec<usize>> {
        None
    }

    /// What tells these data from others; processes that train together compare it.
    fn fingerprint(&self) -> String {
        String::new()
    }
}
