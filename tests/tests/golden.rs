//! Every piece, and the generated models, against numbers that the authors' PyTorch code produced.
//!
//! The folder is named by `GOLDEN_DIR`, by default `../shared/golden` beside the workspace. Where there is none, each test
//! says that it was skipped, by name.

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

use std::path::PathBuf;

/// The golden folder, or none after a word that `test` is skipped.
fn folder(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("GOLDEN_DIR").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden"));
    if std::env::var_os("GOLDEN_DIR").is_none() && !folder.is_dir() {
        println!("skipped: golden {test} (no folder of golden values; name one with GOLDEN_DIR)");
        return None;
    }
    Some(folder)
}
