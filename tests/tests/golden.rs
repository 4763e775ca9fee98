//! Every component and the generated models, compared with numbers of the authors' PyTorch code.
//!
//! `GOLDEN_DIR` names the folder, by default `../shared/golden` next to the workspace. Without it the tests are ignored
//! and print the reason.

#[path = "golden/made.rs"]
mod made;
#[path = "golden/support.rs"]
mod support;

#[path = "golden/distributions.rs"]
mod golden_distributions;
#[path = "golden/flows.rs"]
mod golden_flows;
#[path = "golden/layers.rs"]
mod golden_layers;
#[path = "golden/models.rs"]
mod golden_models;
#[path = "golden/training.rs"]
mod golden_training;

use srvae_tests::trials::{self, Missing};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    trials::run(&[
        golden_distributions::TRIALS,
        golden_flows::TRIALS,
        golden_layers::TRIALS,
        golden_models::TRIALS,
        golden_training::TRIALS,
    ])
}

/// The golden folder.
fn folder() -> Result<PathBuf, Missing> {
    let named = std::env::var_os("GOLDEN_DIR").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden"));
    if std::env::var_os("GOLDEN_DIR").is_none() && !folder.is_dir() {
        return Err(Missing("no folder of golden values; name one with GOLDEN_DIR".into()));
    }
    Ok(folder)
}
