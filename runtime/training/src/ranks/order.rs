//! Computes pieces of work on all ranks and combines the results in order.

use super::Communicator;
use super::agree_on;
use crate::interrupt;
use anyhow::Result;

/// Computes pieces 0 to `count`, piece i on rank i mod N, and passes each result to `take` on every rank, in the order
/// of pieces. Sums in `take` are therefore the same for any number of ranks.
///
/// # Errors
/// Those of `work` on any rank and of `take`; Ctrl-C on any rank.
pub fn in_order(
    ranks: &dyn Communicator,
    count: usize,
    mut work: impl FnMut(usize) -> Result<Vec<u8>>,
    mut take: impl FnMut(usize, &[u8]) -> Result<()>,
) -> Result<()> {
    if ranks.size() == 1 {
        for piece in 0..count {
            take(piece, &work(piece)?)?;
            interrupt::check()?;
        }
        return Ok(());
    }
    for first in (0..count).step_by(ranks.size()) {
        let own = first + ranks.rank();
        let outcome = if own < count { work(own) } else { Ok(Vec::new()) };
        let outcome = outcome.and_then(|bytes| interrupt::check().map(|()| bytes));
        let (_, all) = agree_on(ranks, outcome, |bytes| Ok(bytes.clone()))?;
        for (piece, told) in (first..count).zip(&all) {
            take(piece, told)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::in_order;
    use crate::ranks::{Communicator, threads};
    use anyhow::ensure;

    #[test]
    fn pieces_are_taken_in_their_order_whoever_did_them() {
        for size in [1, 2, 3, 8] {
            let found = threads::run(size, |ranks| {
                let (mut own, mut taken) = (Vec::new(), Vec::new());
                let work = |piece: usize| {
                    own.push(piece);
                    Ok(vec![piece as u8; piece * 400])
                };
                in_order(ranks, 7, work, |piece, bytes| {
                    ensure!(bytes == vec![piece as u8; piece * 400], "piece {piece} has others' bytes");
                    taken.push(piece);
                    Ok(())
                })?;
                ensure!(own.iter().all(|piece| piece % size == ranks.rank()));
                Ok(taken)
            });
            for taken in found {
                assert_eq!(taken.unwrap(), [0, 1, 2, 3, 4, 5, 6], "{size} ranks");
            }
        }
    }

    #[test]
    fn a_piece_that_fails_is_the_end_of_all() {
        let found = threads::run(2, |ranks| {
            let work = |piece: usize| {
                ensure!(piece != 3, "piece {piece} is broken");
                Ok(Vec::new())
            };
            Ok(in_order(ranks, 6, work, |_, _| Ok(())))
        });
        let said: Vec<String> = found.into_iter().map(|outcome| outcome.unwrap().unwrap_err().to_string()).collect();
        assert_eq!(said, ["rank 1 of 2: piece 3 is broken", "another rank has reported an error"]);
    }
}
