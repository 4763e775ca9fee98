//! `--pretrained`: the weights that are part of the program.

use anyhow::{Context, Result};
use srvae_training::Compiled;
use srvae_training::train::Checkpoint;
use std::path::Path;
use std::sync::OnceLock;

/// What messages call them.
pub const NAME: &str = "the pretrained weights";

static WEIGHTS: OnceLock<&[u8]> = OnceLock::new();

/// Makes weights known, once at the start of the program.
pub fn set(weights: &'static [u8]) {
    WEIGHTS.get_or_init(|| weights);
}

/// # Errors
/// A program without weights.
pub fn bytes() -> Result<&'static [u8]> {
    WEIGHTS
        .get()
        .copied()
        .context("--pretrained: no weights are part of this program; give a run folder or a checkpoint file")
}

/// Refuses weights of a model that has changed since they were trained.
///
/// # Errors
/// The statements that differ from the model of this name that is compiled in.
pub fn check_model(models: &[Compiled], weights: &Checkpoint) -> Result<()> {
    let header = &weights.header;
    match models.iter().find(|model| model.name == header.model) {
        Some(now) => weights.check_model(now.name, now.source, &header.settings, Path::new(NAME)),
        // Their own text is interpreted.
        None => Ok(()),
    }
}
