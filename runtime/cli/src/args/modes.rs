//! Arguments of figures and of the report.

use super::numbers::{at_least_one, fraction, not_negative};
use super::{CommonArgs, DataArgs, RunArgs};
use clap::{Args, ValueEnum};
use srvae_training::{Decode, Draw};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DecodeChoice {
    /// Sample every pixel from its distribution.
    Sample,
    /// The mean of every pixel's distribution; a probability as grey.
    Mean,
    /// The mode of every pixel's distribution; of a mixture, the mean of its likeliest component.
    #[value(alias = "mode")]
    Likeliest,
}

impl From<DecodeChoice> for Decode {
    fn from(choice: DecodeChoice) -> Self {
        match choice {
            DecodeChoice::Sample => Self::Sample,
            DecodeChoice::Mean => Self::Mean,
            DecodeChoice::Likeliest => Self::Mode,
        }
    }
}

/// Options of a figure and its file.
#[derive(Debug, Args)]
pub struct Drawing {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Number of examples.
    #[arg(long, allow_negative_numbers = true, default_value_t = 32, value_parser = at_least_one)]
    pub count: usize,
    /// Factor of the standard deviation of the latents.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1.0, value_parser = not_negative)]
    pub temperature: f64,
    /// How likelihoods become pixels [default: sample for new images, likeliest for results that are compared with an
    /// original].
    #[arg(long, value_enum)]
    pub decode: Option<DecodeChoice>,
    /// Seed of all noise.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The value of a variable: c=3 for a class (by number, or by name if it has one), y=photo.png, v=0.5,1, or
    /// x=array.npz for the values of several records (of all members of a family x[1..N] if it has an axis for the index);
    /// can be repeated. `sample` draws all other variables given these,
    /// if the graph allows it.
    #[arg(long, value_name = "NAME=VALUE")]
    pub given: Vec<String>,
    /// For hierarchies: `reconstruct` draws this many top levels from q and the others from p.
    #[arg(long, value_name = "LEVELS")]
    pub top: Option<usize>,
    /// For sequences: `sample` keeps the first STEPS steps of each test record and draws the following ones.
    #[arg(long = "continue", value_name = "STEPS", value_parser = at_least_one)]
    pub from_step: Option<usize>,
    /// For sequences: `sample` draws this many steps, independent of the length in training.
    #[arg(long, value_name = "STEPS", value_parser = at_least_one, conflicts_with = "from_step")]
    pub length: Option<usize>,
    /// Another run to compare with, shown below the first; can be repeated.
    #[arg(long, value_name = "RUN")]
    pub against: Vec<PathBuf>,
    /// The file to write: .png, .svg or .pdf, or .npz for arrays with the names of the variables [default: a PNG file
    /// in RUN/grids].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace an existing file of another kind.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}

impl Drawing {
    /// The options of the draws; `decode` is the default.
    pub fn draw(&self, decode: Decode) -> Draw {
        Draw { temperature: self.temperature, decode: self.decode.map_or(decode, Decode::from), top: self.top }
    }
}

/// A mode with images as evidence.
#[derive(Debug, Args)]
pub struct Mode {
    #[command(flatten)]
    pub drawing: Drawing,
    /// Image files instead of test images; cropped and resized to the model's size.
    #[arg(long, value_name = "PICTURE")]
    pub input: Vec<PathBuf>,
    /// Samples per example.
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub draws: usize,
    /// Process each --input at its full size, in overlapping tiles.
    #[arg(long, requires = "input")]
    pub full_size: bool,
}

#[derive(Debug, Args)]
pub struct Upscale {
    #[command(flatten)]
    pub drawing: Drawing,
    /// Image files of any size instead of test images. Each is upscaled in tiles, at its own size.
    #[arg(long, value_name = "PICTURE")]
    pub input: Vec<PathBuf>,
    /// Samples per example.
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub draws: usize,
    /// First downscale each --input as the model does, and compare the result with the original.
    #[arg(long, requires = "input")]
    pub reduce: bool,
    /// Overlap of neighbouring tiles, as a fraction of a tile.
    #[arg(long, allow_negative_numbers = true, value_name = "PART", default_value_t = 0.5, value_parser = fraction)]
    pub overlap: f64,
    /// The variable to upscale from, for a model that has several.
    #[arg(long, value_name = "VARIABLE")]
    pub from: Option<String>,
}

#[derive(Debug, Args)]
pub struct Interpolate {
    #[command(flatten)]
    pub drawing: Drawing,
    /// Image files instead of test images, two for each interpolation.
    #[arg(long, value_name = "PICTURE")]
    pub input: Vec<PathBuf>,
    /// Images of an interpolation, ends included.
    #[arg(long, allow_negative_numbers = true, default_value_t = 8, value_parser = at_least_one)]
    pub steps: usize,
    /// The latent to interpolate, instead of those at the top of p; can be repeated.
    #[arg(long, value_name = "VARIABLE")]
    pub latent: Vec<String>,
}

/// The model's graph beside examples of every mode.
#[derive(Debug, Args)]
pub struct Figure {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Examples per row.
    #[arg(long, default_value_t = 8, value_parser = at_least_one)]
    pub columns: usize,
    /// Factor of the standard deviation of the latents.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1.0, value_parser = not_negative)]
    pub temperature: f64,
    /// Seed of all noise.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The file to write, .png, .svg or .pdf [default: RUN/grids/figure.png].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace an existing file of another kind.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    pub run: RunArgs,
    /// The file to write [default: RUN/report.html].
    #[arg(long, value_name = "HTML")]
    pub out: Option<PathBuf>,
    /// Replace an existing file of another kind.
    #[arg(long)]
    pub force: bool,
}
