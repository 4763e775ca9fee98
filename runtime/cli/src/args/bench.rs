//! Arguments of `bench`.

use super::numbers::at_least_one;
use super::{CommonArgs, ModelArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Job {
    /// A training step.
    Train,
    /// K importance samples per image of a batch.
    Nll,
    /// Generation of a batch of images.
    Generate,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// The model file.
    pub file: PathBuf,
    #[command(flatten)]
    pub model: ModelArgs,
    /// What to time.
    #[arg(long, value_enum, default_value = "train")]
    pub job: Job,
    /// Images per step.
    #[arg(long, default_value_t = 32, value_parser = at_least_one)]
    pub batch: usize,
    /// Timed steps, after two warm-up steps.
    #[arg(long, default_value_t = 5, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub steps: usize,
    /// Importance samples per image, for the job nll.
    #[arg(long, default_value_t = 16, value_parser = at_least_one)]
    pub k: usize,
    /// Samples computed at once, for the job nll [default: as in evaluation].
    #[arg(long, value_parser = at_least_one)]
    pub chunk: Option<usize>,
    /// On a GPU, record a training step as a CUDA graph and replay it.
    #[arg(long)]
    pub graph: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}
