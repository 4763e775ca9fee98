//! Ranks as threads of one process, for tests of distributed work.

use super::Communicator;
use anyhow::{Result, bail, ensure};
use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Messages in transit between each pair of ranks, and whether a rank has failed.
#[derive(Debug, Default)]
struct Mail {
    boxes: Vec<VecDeque<Vec<u8>>>,
    ended: bool,
}

#[derive(Debug)]
struct Shared {
    size: usize,
    mail: Mutex<Mail>,
    arrived: Condvar,
}

/// The communicator of one thread.
#[derive(Debug)]
pub struct Threads {
    rank: usize,
    shared: Arc<Shared>,
}

/// Runs `work` on this number of ranks, each a thread, and returns their results. A rank that fails ends the others at
/// their next call.
///
/// # Panics
/// If a rank panics, after the others have ended.
pub fn run<T: Send>(size: usize, work: impl Fn(&Threads) -> Result<T> + Sync) -> Vec<Result<T>> {
    let mail = Mail { boxes: vec![VecDeque::new(); size * size], ended: false };
    let shared = Arc::new(Shared { size, mail: Mutex::new(mail), arrived: Condvar::new() });
    let ends: Vec<Threads> = (0..size).map(|rank| Threads { rank, shared: shared.clone() }).collect();
    let one = |end: &Threads| {
        let outcome = catch_unwind(AssertUnwindSafe(|| work(end)));
        if !matches!(outcome, Ok(Ok(_))) {
            end.abort();
        }
        outcome
    };
    std::thread::scope(|scope| {
        let one = &one;
        let threads: Vec<_> = ends.iter().map(|end| scope.spawn(move || one(end))).collect();
        let outcomes: Vec<_> = threads.into_iter().map(|thread| thread.join().and_then(|outcome| outcome)).collect();
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

impl Threads {
    fn mail(&self) -> MutexGuard<'_, Mail> {
        self.shared.mail.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Sends to several ranks at once. If one of them fails because of its message, the others have already received
    /// theirs and fail in the same way.
    fn send_all(&self, to: Range<usize>, bytes: &[u8]) {
        let mut mail = self.mail();
        to.for_each(|to| mail.boxes[self.rank * self.shared.size + to].push_back(bytes.to_vec()));
        self.shared.arrived.notify_all();
    }
}

impl Communicator for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.shared.size
    }

    fn engine(&self) -> String {
        "threads of one process".to_owned()
    }

    fn send(&self, to: usize, bytes: &[u8]) -> Result<()> {
        self.send_all(to..to + 1, bytes);
        Ok(())
    }

    fn receive(&self, from: usize, bytes: &mut [u8]) -> Result<()> {
        let mut mail = self.mail();
        loop {
            if let Some(message) = mail.boxes[from * self.shared.size + self.rank].pop_front() {
                let (there, here) = (message.len(), bytes.len());
                ensure!(there == here, "rank {from} sent {there} bytes where rank {} wants {here}", self.rank);
                bytes.copy_from_slice(&message);
                return Ok(());
            }
            if mail.ended {
                bail!("another rank has failed");
            }
            mail = self.shared.arrived.wait(mail).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    fn exchange(&self, to: usize, outgoing: &[u8], from: usize, incoming: &mut [u8]) -> Result<()> {
        self.send(to, outgoing)?;
        self.receive(from, incoming)
    }

    fn gather_equal(&self, mine: &[u8], all: &mut [u8]) -> Result<()> {
        if mine.is_empty() {
            return Ok(());
        }
        self.send_all(0..self.shared.size, mine);
        let parts = all.chunks_mut(mine.len());
        parts.enumerate().try_for_each(|(rank, part)| self.receive(rank, part))
    }

    fn broadcast(&self, bytes: &mut [u8]) -> Result<()> {
        if self.rank > 0 {
            return self.receive(0, bytes);
        }
        self.send_all(1..self.shared.size, bytes);
        Ok(())
    }

    fn abort(&self) {
        self.mail().ended = true;
        self.shared.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::Communicator;
    use anyhow::bail;

    #[test]
    fn a_rank_that_fails_ends_those_that_wait_for_it() {
        let found = run(3, |ranks| {
            if ranks.rank() == 1 {
                bail!("no data here");
            }
            ranks.receive(1, &mut [0; 4])
        });
        let said: Vec<String> = found.into_iter().map(|outcome| outcome.unwrap_err().to_string()).collect();
        assert_eq!(said, ["another rank has failed", "no data here", "another rank has failed"]);
    }
}
