//! A run of one process.

use super::Communicator;
use anyhow::{Result, bail};

/// The communicator of a single process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

/// For functions that need a communicator by reference.
pub static ALONE: Alone = Alone;

impl Communicator for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn engine(&self) -> String {
        "one process".to_owned()
    }

    fn send(&self, to: usize, _: &[u8]) -> Result<()> {
        bail!("there is no rank {to}: this is a run of one process")
    }

    fn receive(&self, from: usize, _: &mut [u8]) -> Result<()> {
        bail!("there is no rank {from}: this is a run of one process")
    }

    fn exchange(&self, to: usize, _: &[u8], _: usize, _: &mut [u8]) -> Result<()> {
        bail!("there is no rank {to}: this is a run of one process")
    }

    fn gather_equal(&self, mine: &[u8], all: &mut [u8]) -> Result<()> {
        all.copy_from_slice(mine);
        Ok(())
    }

    fn broadcast(&self, _: &mut [u8]) -> Result<()> {
        Ok(())
    }

    fn abort(&self) {}
}
