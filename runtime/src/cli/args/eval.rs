//! Evaluation of trained models.

use super::numbers::at_least_one;
use super::{CommonArgs, DataArgs, RunArgs};
use clap::Args;

#[derive(Debug, Args)]
pub struct Eval {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Importance samples a picture; 1 is the bound itself. The paper takes 500.
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub k: usize,
    /// Samples computed at once, which bounds memory.
    #[arg(long, value_parser = at_least_one)]
    pub chunk: Option<usize>,
    /// Pictures computed at once.
    #[arg(long, default_value_t = 32, value_parser = at_least_one)]
    pub batch: usize,
    /// Use the first N test pictures only.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub images: Option<usize>,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub common: CommonArgs,
}
