//! Bytes between the processes (ranks) of a distributed run.
//!
//! A [`Communicator`] moves bytes and computes nothing: what is summed, and in which order, is decided by whoever calls it, so
//! that results do not depend on the engine.

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

/// One rank's end of what connects all ranks.
///
/// Every collective call is made by all ranks, in the same order. Lengths are known on both sides.
pub trait Communicator: Send + Sync {
    /// This process, from 0.
    fn rank(&self) -> usize;

    /// Ranks in all.
    fn size(&self) -> usize;

    /// The engine and its version, for people.
    fn engine(&self) -> String;

    /// Sends to one rank.
    ///
    /// # Errors
    /// A rank that is gone.
    fn send(&self, to: usize, bytes: &[u8]) -> Result<()>;

    /// Fills `bytes` with what a rank sends.
    ///
    /// # Errors
    /// A rank that is gone.
    fn receive(&self, from: usize, bytes: &mut [u8]) -> Result<()>;

    /// Sends to one rank while it receives from another.
    ///
    /// # Errors
    /// A rank that is gone.
    fn exchange(&self, to: usize, outgoing: &[u8], from: usize, incoming: &mut [u8]) -> Result<()>;

    /// Collects equal numbers of bytes of every rank, on all ranks, in the order of ranks: `all` is `size` times as long as
    /// `mine`.
    ///
    /// # Errors
    /// A rank that is gone.
    fn gather_equal(&self, mine: &[u8], all: &mut [u8]) -> Result<()>;

    /// Gives every rank the bytes of rank 0.
    ///
    /// # Errors
    /// A rank that is gone.
    fn broadcast(&self, bytes: &mut [u8]) -> Result<()>;

    /// Ends the other ranks, and with most engines this process: after an error, when nobody may wait for this rank any more.
    fn abort(&self);

    /// Takes leave of the other ranks once all work is done.
    fn finish(&self) {}
}
