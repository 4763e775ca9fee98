//! The command line's plan of a training run.

use super::ranks;
use srvae_training::Device;
use srvae_training::data::Data;
use srvae_training::spec::Spec;
use srvae_training::train::{Config, Task};

/// The model, the data and the configuration.
pub struct Plan {
    pub spec: Spec,
    pub data: Data,
    pub source: String,
    pub config: Config,
}

impl Plan {
    /// The plan as a task for the trainer, on all ranks.
    pub fn task<'a>(&'a self, device: &'a Device) -> Task<'a> {
        Task::new(&self.spec, &self.data, &self.source, device).on(ranks::all())
    }
}
