//! The same tests as with the golden folder, against numbers that `tests/fixtures/make.py` computes in double precision
//! with PyTorch. These numbers are part of the repository, so everything is tested also without the golden folder.

#[path = "golden/made.rs"]
mod made;
#[path = "golden/support.rs"]
mod support;

#[path = "golden/blocks.rs"]
mod fixture_blocks;
#[path = "golden/couplings.rs"]
mod fixture_couplings;
#[path = "golden/densities.rs"]
mod fixture_densities;
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

use srvae_tests::trials::{self, Missing};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    trials::run(&[
        fixture_blocks::TRIALS,
        fixture_couplings::TRIALS,
        fixture_densities::TRIALS,
        fixture_distributions::TRIALS,
        fixture_flows::TRIALS,
        fixture_layers::TRIALS,
        fixture_models::TRIALS,
        fixture_training::TRIALS,
    ])
}

/// The fixtures.
fn folder() -> Result<PathBuf, Missing> {
    Ok(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures"))
}
