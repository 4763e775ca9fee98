//! A training run as the command line has decided it.

use super::ranks;
use srvae_training::Device;
use srvae_training::data::Data;
use srvae_training::spec::Spec;
use srvae_training::train::{Config, Task};

/// What is to be trained, on what, how.
pub struct Plan {
    pub spec: Spec,
    pub data: Data,
    pub source: String,
    pub config: Config,
}

impl Plan {
    /// It as the trainer takes it, on all ranks.
    pub fn task<'a>(&'a self, device: &'a Device) -> Task<'a> {
        Task::new(&self.spec, &self.data, &self.source, device).on(ranks::all())
    }
}
