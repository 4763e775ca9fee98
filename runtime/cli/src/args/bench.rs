//! Timing.

use super::numbers::at_least_one;
use super::{CommonArgs, ModelArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Job {
    /// A training step.
    Train,
    /// K importance samples for each picture of a batch.
    Nll,
    /// Drawing a batch of pictures.
    Generate,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// The model file.
    pub file: PathBuf,
    #[command(flatten)]
    pub model: ModelArgs,
    #[arg(long, value_enum, default_value = "train")]
    pub job: Job,
    /// Pictures a step.
    #[arg(long, default_value_t = 32, value_parser = at_least_one)]
    pub batch: usize,
    /// Timed steps, after two that are not.
    #[arg(long, default_value_t = 5, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub steps: usize,
    /// Importance samples a picture, for the job nll.
    #[arg(long, default_value_t = 16, value_parser = at_least_one)]
    pub k: usize,
    /// Samples computed at once, for the job nll; all of them where not given.
    #[arg(long, value_parser = at_least_one)]
    pub chunk: Option<usize>,
    /// On a GPU, record a training step once and start it as a whole.
    #[arg(long)]
    pub graph: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}
