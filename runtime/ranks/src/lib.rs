//! Communication between the processes (ranks) of a distributed run.
//!
//! A [`Communicator`] only communicates. The caller decides what is summed and in which order, so the results do not
//! depend on the engine.

mod alone;
mod collective;
pub mod launcher;
pub mod mpi;
pub mod nccl;
pub mod threads;

pub use alone::{ALONE, Alone};
pub use launcher::{Launch, Launcher};
pub use mpi::Mpi;
pub use nccl::Nccl;
pub use threads::Threads;

use anyhow::Result;

/// One rank's connection to all ranks.
///
/// All ranks make every collective call in the same order. Both sides know the lengths.
pub trait Communicator: Send + Sync {
    /// The number of this rank, from 0.
    fn rank(&self) -> usize;

    /// The total number of ranks.
    fn size(&self) -> usize;

    /// The engine and its version, for messages.
    fn engine(&self) -> String;

    /// Sends to one rank.
    ///
    /// # Errors
    /// A rank that has ended.
    fn send(&self, to: usize, bytes: &[u8]) -> Result<()>;

    /// Fills `bytes` with a message of a rank.
    ///
    /// # Errors
    /// A rank that has ended.
    fn receive(&self, from: usize, bytes: &mut [u8]) -> Result<()>;

    /// Sends to one rank and receives from another at the same time.
    ///
    /// # Errors
    /// A rank that has ended.
    fn exchange(&self, to: usize, outgoing: &[u8], from: usize, incoming: &mut [u8]) -> Result<()>;

    /// Collects equal numbers of bytes from every rank, on all ranks, in the order of ranks. `all` is `size` times as
    /// long as `mine`.
    ///
    /// # Errors
    /// A rank that has ended.
    fn gather_equal(&self, mine: &[u8], all: &mut [u8]) -> Result<()>;

    /// Sends the bytes of rank 0 to every rank.
    ///
    /// # Errors
    /// A rank that has ended.
    fn broadcast(&self, bytes: &mut [u8]) -> Result<()>;

    /// Ends the other ranks, and with most engines this process. It is called after an error, so that no rank waits for
    /// this one.
    fn abort(&self);

    /// Leaves the group after all work is done.
    fn finish(&self) {}
}
