//! What a run trains, on what, and where.

use crate::Device;
use crate::data::Data;
use crate::ranks::{ALONE, Communicator};
use crate::spec::Spec;

/// A model, its data, and the machines that train it.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub(super) spec: &'a Spec,
    pub(super) data: &'a Data,
    /// `--data` as it was given.
    pub(super) source: &'a str,
    pub(super) device: &'a Device,
    pub(super) ranks: &'a dyn Communicator,
}

impl<'a> Task<'a> {
    /// In this process alone; `source` says in the checkpoints where the data are from.
    pub fn new(spec: &'a Spec, data: &'a Data, source: &'a str, device: &'a Device) -> Self {
        Self { spec, data, source, device, ranks: &ALONE }
    }

    /// The same on several ranks, each of which has an equal task.
    #[must_use]
    pub fn on(self, ranks: &'a dyn Communicator) -> Self {
        Self { ranks, ..self }
    }
}
