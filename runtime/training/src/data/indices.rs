//! Positions of records: a list, or for millions of records a range of a shuffled order that needs no memory.

use super::shuffle::Shuffle;
use serde::{Deserialize, Serialize};

/// Positions in a part of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Indices {
    List(Vec<usize>),
    Shuffled(Shuffled),
}

/// Positions `from`, `from + 1`, … of a shuffled order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shuffled {
    /// The number of shuffled records.
    pub of: usize,
    pub seed: u64,
    pub from: usize,
    pub count: usize,
}

impl Indices {
    pub fn len(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Shuffled(shuffled) => shuffled.count,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The positions at some places.
    pub fn at(&self, places: impl Iterator<Item = usize>) -> Vec<usize> {
        match self {
            Self::List(list) => places.map(|place| list[place]).collect(),
            Self::Shuffled(Shuffled { of, seed, from, .. }) => {
                let shuffle = Shuffle::new(*of, *seed, 0);
                places.map(|place| shuffle.at(from + place)).collect()
            }
        }
    }

    /// All of them.
    pub fn all(&self) -> Vec<usize> {
        self.at(0..self.len())
    }

    /// At most the first `count`.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        match self {
            Self::List(list) => Self::List(list[..list.len().min(count)].to_vec()),
            Self::Shuffled(shuffled) => Self::Shuffled(Shuffled { count: shuffled.count.min(count), ..*shuffled }),
        }
    }
}

impl Default for Indices {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl From<Vec<usize>> for Indices {
    fn from(list: Vec<usize>) -> Self {
        Self::List(list)
    }
}
