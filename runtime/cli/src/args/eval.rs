//! Arguments of the evaluation.

use super::numbers::{at_least_one, at_least_two, count, not_negative};
use super::{CommonArgs, DataArgs, DecodeChoice, RunArgs, Which};
use clap::{Args, ValueEnum};
use srvae_training::data::PartName;
use std::path::PathBuf;

/// Options of the likelihood estimate.
#[derive(Debug, Clone, Args)]
pub struct LikelihoodArgs {
    /// Importance samples per image; 1 gives the bound. The paper uses 500.
    #[arg(long, default_value_t = 500, value_parser = at_least_one)]
    pub k: usize,
    /// Samples per image computed at once; limits memory and does not change the result.
    #[arg(long, value_parser = at_least_one)]
    pub chunk: Option<usize>,
    /// Images computed at once; limits memory and does not change the result.
    #[arg(long, value_parser = at_least_one)]
    pub batch: Option<usize>,
    /// Use only the first N test images.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub images: Option<usize>,
    /// Seed of all noise.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// The part of the data to read.
#[derive(Debug, Clone, Copy, Args)]
pub struct PartArgs {
    /// The records to use: train, val or test [default: the test records, or all records of other data without a test
    /// part].
    #[arg(long, value_enum, value_name = "PART")]
    part: Option<PartChoice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PartChoice {
    Train,
    Val,
    Test,
}

impl PartArgs {
    /// The chosen part.
    pub fn name(self) -> Option<PartName> {
        self.part.map(|part| match part {
            PartChoice::Train => PartName::Train,
            PartChoice::Val => PartName::Validation,
            PartChoice::Test => PartName::Test,
        })
    }
}

#[derive(Debug, Args)]
pub struct Eval {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub likelihood: LikelihoodArgs,
    /// Also write the log-likelihood, the bound and its terms for every record, in nats, to this .csv or .npz file.
    #[arg(long, value_name = "FILE")]
    pub per_record: Option<PathBuf>,
    /// Replace an existing file of another kind.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arrays for every record: the latents, or the data with values in the place of missing ones.
#[derive(Debug, Args)]
pub struct Encode {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub part: PartArgs,
    /// The .npz file to write.
    #[arg(long, value_name = "NPZ")]
    pub out: PathBuf,
    /// Draws per record, in addition to the values without noise; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    pub draws: usize,
    /// Use the first N records only.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub images: Option<usize>,
    /// Records computed at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = at_least_one)]
    pub batch: usize,
    /// Seed of all noise.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Replace an existing file of another kind.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Options of the FID.
#[derive(Debug, Clone, Args)]
pub struct FidArgs {
    /// The weights of the FID network, `pt_inception-2015-12-05-6726825d.pth` [default: those of `srvae-run fetch
    /// fid-weights`].
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Accept weights with a checksum other than that of the published file.
    #[arg(long)]
    pub weights_any: bool,
    /// Number of images to sample from the model.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_two)]
    pub samples: usize,
    /// Use only the first N real images.
    #[arg(long, value_name = "N", value_parser = at_least_two)]
    pub real: Option<usize>,
    /// The part of the data set with the real images.
    #[arg(long, value_enum, default_value_t)]
    pub against: RealSet,
    /// How the likelihood of a sampled image becomes pixels.
    #[arg(long, value_enum, default_value = "sample")]
    pub decode: DecodeChoice,
    /// Factor of the standard deviation of the latents.
    #[arg(long, default_value_t = 1.0, value_parser = not_negative)]
    pub temperature: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RealSet {
    #[default]
    Test,
    Train,
}

#[derive(Debug, Args)]
pub struct Fid {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub fid: FidArgs,
    /// Images computed at once; limits memory and does not change the result.
    #[arg(long, default_value_t = 32, value_parser = at_least_one)]
    pub batch: usize,
    /// Seed of all noise.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Debug, Args)]
pub struct Table {
    /// Run folders, or checkpoint files.
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// Which checkpoint of the folders: best or last.
    #[arg(long, value_enum, default_value_t)]
    pub checkpoint: Which,
    #[command(flatten)]
    pub data: DataArgs,
    /// Another data set to evaluate on, which the models were not trained on; can be repeated.
    #[arg(long, value_name = "DATA")]
    pub transfer: Vec<String>,
    #[command(flatten)]
    pub likelihood: LikelihoodArgs,
    #[command(flatten)]
    pub fid: FidArgs,
    /// Leave out the FID.
    #[arg(long)]
    pub no_fid: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}
