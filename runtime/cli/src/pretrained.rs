//! `--pretrained`: the weights that are built into the program.

use anyhow::{Context, Result};
use srvae_training::Compiled;
use srvae_training::train::Checkpoint;
use std::path::Path;
use std::sync::OnceLock;

/// Their name in messages.
pub const NAME: &str = "the pretrained weights";

static WEIGHTS: OnceLock<&[u8]> = OnceLock::new();

/// Sets the weights, once at the start of the program.
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

/// Refuses weights if the model has changed since they were trained.
///
/// # Errors
/// The statements that differ from the compiled-in model of this name.
pub fn check_model(models: &[Compiled], weights: &Checkpoint) -> Result<()> {
    let header = &weights.header;
    match models.iter().find(|model| model.name == header.model) {
        Some(now) => weights.check_model(now.name, now.source, &header.settings, Path::new(NAME)),
        // A model that is not compiled in is interpreted from the weights' own text.
        None => Ok(()),
    }
}
