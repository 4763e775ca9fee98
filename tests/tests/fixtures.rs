//! The same pieces against what `tests/fixtures/make.py` computes in double precision with PyTorch: these numbers are part of
//! the repository, so nothing goes untested where the golden folder is not at hand.

#[path = "golden/made.rs"]
mod made;
#[path = "golden/support.rs"]
mod support;

#[path = "golden/distributions.rs"]
mod fixture_distributions;
#[path = "golden/flows.rs"]
mod fixture_flows;
#[path = "golden/layers.rs"]
mod fixture_layers;
#[path = "golden/models.rs"]
mod fixture_models;
#[path = "golden/training.rs"]
mod fixture_training;

use std::path::PathBuf;

/// The fixtures.
fn folder(_: &str) -> Option<PathBuf> {
    Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures"))
}
