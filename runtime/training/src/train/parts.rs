//! Divides a batch into micro-batches, and those among ranks.

use anyhow::{Result, ensure};
use std::ops::Range;

/// The micro-batches of every step, and those of this rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Records of a micro-batch.
    pub size: usize,
    /// Micro-batches of a batch.
    pub count: usize,
    rank: usize,
    ranks: usize,
}

impl Parts {
    /// # Errors
    /// A batch that is not a multiple of the micro-batch, or that has fewer micro-batches than there are ranks, with a
    /// suggestion.
    pub fn new(batch: usize, size: usize, rank: usize, ranks: usize) -> Result<Self> {
        ensure!(
            size > 0 && batch.is_multiple_of(size),
            "--batch {batch} is not a multiple of --micro-batch {size}; use --micro-batch {}",
            largest_divisor(batch, size)
        );
        let count = batch / size;
        ensure!(
            count >= ranks,
            "--batch {batch} has {count} micro-batches of {size}, too few for {ranks} ranks: start fewer ranks, or \
             use a larger --batch or a smaller --micro-batch"
        );
        Ok(Self { size, count, rank, ranks })
    }

    /// The default size of a micro-batch: one per rank.
    ///
    /// # Errors
    /// A batch that is not a multiple of the number of ranks.
    pub fn usual(batch: usize, ranks: usize) -> Result<usize> {
        ensure!(
            batch.is_multiple_of(ranks) && batch > 0,
            "--batch {batch} cannot be divided among {ranks} ranks; use a multiple of {ranks}, or set --micro-batch"
        );
        Ok(batch / ranks)
    }

    /// The micro-batches of this rank.
    pub fn own(&self) -> Range<usize> {
        self.of(self.rank)
    }

    /// The micro-batches of a rank.
    pub fn of(&self, rank: usize) -> Range<usize> {
        rank * self.count / self.ranks..(rank + 1) * self.count / self.ranks
    }

    /// The records of a micro-batch, as positions in the batch.
    pub fn records(&self, part: usize) -> Range<usize> {
        part * self.size..(part + 1) * self.size
    }
}

fn largest_divisor(batch: usize, most: usize) -> usize {
    (1..=most.clamp(1, batch.max(1))).rev().find(|size| batch.is_multiple_of(*size)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::Parts;

    #[test]
    fn every_micro_batch_has_one_rank() {
        for (count, ranks) in [(8, 1), (8, 4), (8, 3), (5, 5), (12, 7)] {
            let of = |rank| Parts::new(count * 4, 4, rank, ranks).unwrap().own();
            let all: Vec<usize> = (0..ranks).flat_map(of).collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
            assert!((0..ranks).all(|rank| !of(rank).is_empty()));
        }
        assert_eq!(Parts::new(32, 8, 1, 2).unwrap().records(3), 24..32);
    }

    #[test]
    fn what_cannot_be_divided_is_refused_with_what_can() {
        let error = Parts::new(32, 5, 0, 1).unwrap_err().to_string();
        assert!(error.contains("not a multiple of --micro-batch 5; use --micro-batch 4"), "{error}");
        let error = Parts::new(32, 16, 0, 4).unwrap_err().to_string();
        assert!(error.contains("2 micro-batches of 16, too few for 4 ranks"), "{error}");
        assert_eq!(Parts::usual(32, 4).unwrap(), 8);
        assert!(Parts::usual(32, 3).unwrap_err().to_string().contains("a multiple of 3"));
    }
}
