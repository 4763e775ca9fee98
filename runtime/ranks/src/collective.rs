//! Collective operations built on the basic ones of a communicator.

use super::Communicator;
use anyhow::{Result, ensure};
use std::ops::Range;

/// Bytes of the first message of [`Communicator::gather`]. Short texts fit in it.
const FIRST: usize = 1024;
/// Bytes of the length in this message.
const LENGTH: usize = size_of::<u64>();

impl dyn Communicator + '_ {
    /// Whether this rank prints and writes files.
    pub fn leads(&self) -> bool {
        self.rank() == 0
    }

    /// Collects bytes of any length from every rank, on all ranks, in the order of ranks.
    ///
    /// # Errors
    /// A rank that has ended.
    pub fn gather(&self, mine: &[u8]) -> Result<Vec<Vec<u8>>> {
        if self.size() == 1 {
            return Ok(vec![mine.to_vec()]);
        }
        let begin = mine.len().min(FIRST - LENGTH);
        let mut first = [0u8; FIRST];
        first[..LENGTH].copy_from_slice(&(mine.len() as u64).to_le_bytes());
        first[LENGTH..][..begin].copy_from_slice(&mine[..begin]);
        let mut heads = vec![0u8; FIRST * self.size()];
        self.gather_equal(&first, &mut heads)?;
        let lengths: Vec<usize> = heads.chunks(FIRST).map(length).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0).saturating_sub(FIRST - LENGTH);
        let mut rest = vec![0u8; longest];
        let mut rests = vec![0u8; longest * self.size()];
        if longest > 0 {
            rest[..mine.len() - begin].copy_from_slice(&mine[begin..]);
            self.gather_equal(&rest, &mut rests)?;
        }
        let whole = |(rank, &length): (usize, &usize)| {
            let begin = length.min(FIRST - LENGTH);
            [&heads[rank * FIRST + LENGTH..][..begin], &rests[rank * longest..][..length - begin]].concat()
        };
        Ok(lengths.iter().enumerate().map(whole).collect())
    }

    /// Collects bytes from every rank on rank 0, in the order of ranks. Other ranks get nothing. Rank 0 knows the
    /// lengths.
    ///
    /// # Errors
    /// A rank that has ended.
    pub fn collect(&self, mine: &[u8], lengths: &[usize]) -> Result<Option<Vec<Vec<u8>>>> {
        if !self.leads() {
            self.send(0, mine)?;
            return Ok(None);
        }
        let mut all = vec![mine.to_vec()];
        for (rank, &length) in lengths.iter().enumerate().skip(1) {
            let mut bytes = vec![0u8; length];
            self.receive(rank, &mut bytes)?;
            all.push(bytes);
        }
        Ok(Some(all))
    }

    /// Sends `outgoing[r]` to rank r. Position r of the result has the bytes from rank r, of length `incoming[r]`.
    ///
    /// # Errors
    /// A rank that has ended.
    pub fn all_to_all(&self, outgoing: &[Vec<u8>], incoming: &[usize]) -> Result<Vec<Vec<u8>>> {
        let (rank, size) = (self.rank(), self.size());
        ensure!(outgoing.len() == size && incoming.len() == size, "one part for each of {size} ranks is needed");
        let mut found: Vec<Vec<u8>> = vec![Vec::new(); size];
        found[rank].clone_from(&outgoing[rank]);
        for distance in 1..size {
            let (to, from) = ((rank + distance) % size, (rank + size - distance) % size);
            found[from] = vec![0; incoming[from]];
            self.exchange(to, &outgoing[to], from, &mut found[from])?;
        }
        Ok(found)
    }

    /// Completes `all`, of which each rank has filled its own part.
    ///
    /// # Errors
    /// A rank that has ended.
    pub fn gather_parts(&self, all: &mut [u8], parts: &[Range<usize>]) -> Result<()> {
        let (rank, size) = (self.rank(), self.size());
        let own = all[parts[rank].clone()].to_vec();
        for distance in 1..size {
            let (to, from) = ((rank + distance) % size, (rank + size - distance) % size);
            self.exchange(to, &own, from, &mut all[parts[from].clone()])?;
        }
        Ok(())
    }

    /// Sends the bytes of rank 0, of any length, to every rank.
    ///
    /// # Errors
    /// A rank that has ended.
    pub fn broadcast_all(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let mut length = (bytes.len() as u64).to_le_bytes();
        self.broadcast(&mut length)?;
        let mut bytes = bytes;
        bytes.resize(usize::try_from(u64::from_le_bytes(length))?, 0);
        self.broadcast(&mut bytes)?;
        Ok(bytes)
    }
}

/// The length of a message, from its beginning.
fn length(head: &[u8]) -> usize {
    let mut bytes = [0; LENGTH];
    bytes.copy_from_slice(&head[..LENGTH]);
    u64::from_le_bytes(bytes) as usize
}

#[cfg(test)]
mod tests {
    use crate::{Communicator, threads};

    /// Bytes that identify their rank.
    fn of(rank: usize, length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 7 + rank * 31) as u8).collect()
    }

    #[test]
    fn every_rank_has_the_bytes_of_all_in_order() {
        for size in [1, 2, 3, 5] {
            // Within the first message, exactly at its end, and beyond it.
            for lengths in [[0, 3, 5, 1, 9], [1016, 1017, 5000, 0, 2]] {
                let found = threads::run(size, |ranks| {
                    let ranks: &dyn Communicator = ranks;
                    ranks.gather(&of(ranks.rank(), lengths[ranks.rank()]))
                });
                let expected: Vec<Vec<u8>> = (0..size).map(|rank| of(rank, lengths[rank])).collect();
                for found in found {
                    assert_eq!(found.unwrap(), expected, "{size} ranks");
                }
            }
        }
    }

    #[test]
    fn parts_go_where_they_belong() {
        let size = 4;
        let found = threads::run(size, |ranks| {
            let ranks: &dyn Communicator = ranks;
            let rank = ranks.rank();
            let outgoing: Vec<Vec<u8>> = (0..size).map(|to| of(10 * rank + to, to + 1)).collect();
            let incoming = vec![rank + 1; size];
            let exchanged = ranks.all_to_all(&outgoing, &incoming)?;
            let parts = [0..3, 3..3, 3..4, 4..9];
            let mut all = vec![0; 9];
            all[parts[rank].clone()].copy_from_slice(&of(rank, parts[rank].len()));
            ranks.gather_parts(&mut all, &parts)?;
            let lengths: Vec<usize> = (0..size).collect();
            let collected = ranks.collect(&of(rank, rank), &lengths)?;
            let shared = ranks.broadcast_all(if rank == 0 { of(7, 100) } else { Vec::new() })?;
            Ok((exchanged, all, collected, shared))
        });
        for (rank, found) in found.into_iter().enumerate() {
            let (exchanged, all, collected, shared) = found.unwrap();
            let expected: Vec<Vec<u8>> = (0..size).map(|from| of(10 * from + rank, rank + 1)).collect();
            assert_eq!(exchanged, expected);
            assert_eq!(all, [of(0, 3), of(2, 1), of(3, 5)].concat());
            let everything: Vec<Vec<u8>> = (0..size).map(|rank| of(rank, rank)).collect();
            assert_eq!(collected, (rank == 0).then_some(everything));
            assert_eq!(shared, of(7, 100));
        }
    }
}
