//! Every piece, and the generated models, against numbers that the authors' PyTorch code produced.
//!
//! The folder is named by `GOLDEN_DIR`, by default `../shared/golden` beside the workspace. Where there is none, each test
//! says that it was skipped, by name.

#[path = "golden/support.rs"]
mod support;

#[path = "golden/distributions.rs"]
mod golden_distributions;
#[path = "golden/flows.rs"]
mod golden_flows;
#[path = "golden/layers.rs"]
mod golden_layers;
