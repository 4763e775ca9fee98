//! The task of a run: model, data, device and ranks.

use crate::Device;
use crate::data::Data;
use crate::ranks::{ALONE, Communicator};
use crate::spec::Spec;

/// A model, its data, and the machines that train it.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub(super) spec: &'a Spec,
    pub(super) data: &'a Data,
    /// The value of `--data`.
    pub(super) source: &'a str,
    pub(super) device: &'a Device,
    pub(super) ranks: &'a dyn Communicator,
}

impl<'a> Task<'a> {
    /// For a single process. `source` is the origin of the data in checkpoints.
    pub fn new(spec: &'a Spec, data: &'a Data, source: &'a str, device: &'a Device) -> Self {
        Self { spec, data, source, device, ranks: &ALONE }
    }

    /// The task on several ranks, each of which has an equal one.
    #[must_use]
    pub fn on(self, ranks: &'a dyn Communicator) -> Self {
        Self { ranks, ..self }
    }
}
