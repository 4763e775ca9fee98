//! Pictures and the report of a trained model.

use super::numbers::{at_least_one, not_negative};
use super::{CommonArgs, DataArgs, RunArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DecodeChoice {
    /// Draw from the likelihood.
    Sample,
    /// Take the mean of its likeliest component.
    Mode,
}

#[derive(Debug, Args)]
pub struct Mode {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Pictures of your own instead of test pictures.
    #[arg(long, value_name = "PICTURE")]
    pub input: Vec<PathBuf>,
    /// Examples to draw.
    #[arg(long, default_value_t = 32, value_parser = at_least_one)]
    pub count: usize,
    /// Draws for each example.
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub draws: usize,
    /// Scales the standard deviation of the latents.
    #[arg(long, default_value_t = 1.0, value_parser = not_negative)]
    pub temperature: f64,
    /// How likelihoods become pictures.
    #[arg(long, value_enum)]
    pub decode: Option<DecodeChoice>,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The PNG file to write; below RUN/grids where not given.
    #[arg(long, value_name = "PNG")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Debug, Args)]
pub struct Interpolate {
    #[command(flatten)]
    pub mode: Mode,
    /// Pictures on the way, ends included.
    #[arg(long, default_value_t = 8, value_parser = at_least_one)]
    pub steps: usize,
}

#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    pub run: RunArgs,
    /// The file to write; RUN/report.html where not given.
    #[arg(long, value_name = "HTML")]
    pub out: Option<PathBuf>,
}
