//! Pictures and the report of a trained model.

use super::numbers::{at_least_one, fraction, not_negative};
use super::{CommonArgs, DataArgs, RunArgs};
use clap::{Args, ValueEnum};
use srvae_training::{Decode, Draw};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DecodeChoice {
    /// Draw from the likelihood.
    Sample,
    /// Take the mean of its likeliest component.
    Mode,
}

/// How pictures are drawn, and where they go.
#[derive(Debug, Args)]
pub struct Drawing {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Examples to draw.
    #[arg(long, allow_negative_numbers = true, default_value_t = 32, value_parser = at_least_one)]
    pub count: usize,
    /// Scales the standard deviation of the latents.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1.0, value_parser = not_negative)]
    pub temperature: f64,
    /// How likelihoods become pictures [default: sample where all is anew, mode where it is held against an original].
    #[arg(long, value_enum)]
    pub decode: Option<DecodeChoice>,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The value of a variable the mode is given, such as c=3 for a class (by number, or by name where it has one), y=photo.png
    /// or v=0.5,1; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    pub given: Vec<String>,
    /// Another run, to be drawn below the first; may be given several times.
    #[arg(long, value_name = "RUN")]
    pub against: Vec<PathBuf>,
    /// The PNG file to write; below RUN/grids where not given.
    #[arg(long, value_name = "PNG")]
    pub out: Option<PathBuf>,
    /// Replace a file of another kind that lies there.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}

impl Drawing {
    /// What was asked for, with `decode` where nothing was.
    pub fn draw(&self, decode: Decode) -> Draw {
        let decode = match self.decode {
            Some(DecodeChoice::Sample) => Decode::Sample,
            Some(DecodeChoice::Mode) => Decode::Mode,
            None => decode,
        };
        Draw { temperature: self.temperature, decode }
    }
}

/// A mode that is given pictures.
#[derive(Debug, Args)]
pub struct Mode {
    #[command(flatten)]
    pub drawing: Drawing,
    /// Pictures of your own instead of test pictures; cropped and resized to the model's size.
    #[arg(long, value_name = "PICTURE")]
    pub input: Vec<PathBuf>,
    /// Draws for each example.
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub draws: usize,
    /// Take each --input at its full size, in overlapping tiles.
    #[arg(long, requires = "input")]
    pub full_size: bool,
}

#[derive(Debug, Args)]
pub struct Upscale {
    #[command(flatten)]
    pub drawing: Drawing,
    /// Pictures of your own, of any size: each is taken for a reduced one, and becomes a PNG at full size.
    #[arg(long, value_name = "PICTURE")]
    pub input: Vec<PathBuf>,
    /// Draws for each example.
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub draws: usize,
    /// First reduce each --input as the model does, so that the result can be held against it.
    #[arg(long, requires = "input")]
    pub reduce: bool,
    /// The part of a tile that the next one covers too.
    #[arg(long, allow_negative_numbers = true, value_name = "PART", default_value_t = 0.5, value_parser = fraction)]
    pub overlap: f64,
    /// The reduced variable, for a model that has several.
    #[arg(long, value_name = "VARIABLE")]
    pub from: Option<String>,
}

#[derive(Debug, Args)]
pub struct Interpolate {
    #[command(flatten)]
    pub drawing: Drawing,
    /// Pictures of your own instead of test pictures, two for each walk.
    #[arg(long, value_name = "PICTURE")]
    pub input: Vec<PathBuf>,
    /// Pictures on the way, ends included.
    #[arg(long, allow_negative_numbers = true, default_value_t = 8, value_parser = at_least_one)]
    pub steps: usize,
    /// The latent to walk in, instead of the top ones; may be given several times.
    #[arg(long, value_name = "VARIABLE")]
    pub latent: Vec<String>,
}

/// The model's graph beside what its modes draw.
#[derive(Debug, Args)]
pub struct Figure {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Examples side by side.
    #[arg(long, default_value_t = 8, value_parser = at_least_one)]
    pub columns: usize,
    /// Scales the standard deviation of the latents.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1.0, value_parser = not_negative)]
    pub temperature: f64,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The PNG file to write; RUN/grids/figure.png where not given.
    #[arg(long, value_name = "PNG")]
    pub out: Option<PathBuf>,
    /// Replace a file of another kind that lies there.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    pub run: RunArgs,
    /// The file to write; RUN/report.html where not given.
    #[arg(long, value_name = "HTML")]
    pub out: Option<PathBuf>,
    /// Replace a file of another kind that lies there.
    #[arg(long)]
    pub force: bool,
}
