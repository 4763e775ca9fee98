//! Arguments of training.

use super::numbers::{at_least_one, fraction, positive};
use super::{CommonArgs, DataArgs, ModelArgs};
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, Clone, Args)]
pub struct TrainArgs {
    /// Options from a file, such as the run.toml of a run folder, which repeats that run; options of the command line take precedence.
    #[arg(long, value_name = "TOML")]
    pub config: Option<PathBuf>,
    /// Training steps in total [default: 300; for the preset `quick` on a CPU, with neither steps, batch nor rate
    /// given, 1600 with 8 images each at rate 0.004].
    #[arg(long, allow_negative_numbers = true, value_name = "N", conflicts_with = "epochs", value_parser = at_least_one)]
    pub steps: Option<usize>,
    /// Epochs (passes over the training data), instead of --steps.
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = positive)]
    pub epochs: Option<f64>,
    /// Images per step [default: 32].
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = at_least_one)]
    pub batch: Option<usize>,
    /// Sum gradients over micro-batches of N images; --batch must be a multiple of N. Needs less memory, and gives the
    /// same bits for any number of ranks. With several ranks the default is --batch divided by their number.
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with = "graph")]
    pub micro_batch: Option<usize>,
    /// Seed of the initial parameters, the order of the data and all noise [default: 1].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Training records used for data-dependent initialisation [default: 256].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub init_images: Option<usize>,
    /// Learning rate at the first step [default: 0.002].
    #[arg(long, allow_negative_numbers = true, value_name = "RATE", value_parser = positive)]
    pub lr: Option<f64>,
    /// Learning rate schedule: exponential (the paper's), cosine or constant [default: exponential].
    #[arg(long, value_name = "NAME")]
    pub schedule: Option<ScheduleChoice>,
    /// Samples of the latents per image; more than one trains the importance-weighted bound, with terms weighted within
    /// each sample's log-weight [default: 1].
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    pub samples: Option<usize>,
    /// Augment training images by mirroring and shifts of up to 5 %, as the authors do.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub augment: Option<bool>,
    /// Clip the gradient to this norm.
    #[arg(long, allow_negative_numbers = true, value_name = "NORM", value_parser = positive)]
    pub clip: Option<f64>,
    /// Skip updates whose gradient has a larger norm or is not finite (without this option, the latter is an error).
    #[arg(long, allow_negative_numbers = true, value_name = "NORM", value_parser = positive)]
    pub skip_above: Option<f64>,
    /// Stop with an error after more than N skipped updates in a row, or more than N plus a tenth of all updates
    /// [default: 10].
    #[arg(long, value_name = "N", requires = "skip_above")]
    pub skip_limit: Option<usize>,
    /// Evaluate an exponential moving average of the parameters with this decay, such as 0.999.
    #[arg(long, allow_negative_numbers = true, value_name = "DECAY", value_parser = fraction)]
    pub average: Option<f64>,
    /// Linear KL annealing: the weight of the KL terms rises from 0 to 1 over this many steps.
    #[arg(long, value_name = "STEPS")]
    pub warm_up: Option<usize>,
    /// Free bits: each KL term counts as at least this many nats.
    #[arg(long, value_name = "NATS", value_parser = positive)]
    pub free_nats: Option<f64>,
    /// Early stopping: stop after N validations in a row without improvement.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub patience: Option<usize>,
    /// Steps between validations.
    #[arg(long, value_name = "STEPS", value_parser = at_least_one)]
    pub validate_every: Option<usize>,
    /// Images per validation [default: 256].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub validation_images: Option<usize>,
    /// Steps between checkpoints.
    #[arg(long, value_name = "STEPS", value_parser = at_least_one)]
    pub checkpoint_every: Option<usize>,
    /// Stop after this many minutes, even if steps are left.
    #[arg(long, value_parser = positive)]
    pub minutes: Option<f64>,
    /// On a GPU, record a step as a CUDA graph and replay it: faster for small batches, where launches are the
    /// bottleneck. Not with --clip, --skip-above or --average, which read results at every step.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false",
          conflicts_with_all = ["clip", "skip_above", "average"])]
    pub graph: Option<bool>,
}

impl TrainArgs {
    /// Whether the command line determines the end of training.
    pub fn has_length(&self) -> bool {
        self.steps.is_some() || self.epochs.is_some() || self.minutes.is_some()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScheduleChoice {
    Exponential,
    Cosine,
    Constant,
}

/// Train, evaluate, run every mode, write a report.
#[derive(Debug, Args)]
pub struct All {
    /// The model file.
    #[arg(required = true)]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub train: TrainArgs,
    /// The run folder [default: a new folder in runs/].
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Importance samples per image in the evaluation.
    #[arg(long, value_name = "K", default_value_t = 10, value_parser = at_least_one)]
    pub k: usize,
    /// Test images in the evaluation.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = at_least_one)]
    pub images: usize,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Debug, Args)]
pub struct Train {
    /// The model file, or with --resume a run folder.
    pub file: PathBuf,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub train: TrainArgs,
    /// The run folder [default: a new folder in runs/]. An existing run there is renamed after the new one has started;
    /// a folder with other contents is refused.
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Resume from the last checkpoint of the run folder.
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Train with varied options, one run after the other, and compare the runs in a table.
///
/// Options of `train` after `--` go to all of them: srvae-run sweep vae.pgm --vary lr=1e-3,2e-3 --seeds 3 -- --steps
/// 500. An interrupted sweep continues when it is started again.
#[derive(Debug, Args)]
pub struct Sweep {
    /// The model file.
    pub file: PathBuf,
    /// An option and its values, as in lr=1e-3,2e-3; a parameter of the model as in set.width=8,16. Several options are
    /// combined.
    #[arg(long, value_name = "NAME=VALUES")]
    pub vary: Vec<String>,
    /// The number of seeds for each combination, in consecutive order.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub seeds: usize,
    /// The first seed.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// The folder of the run folders [default: runs/FILE-sweep].
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Print the command line of each run without training.
    #[arg(long)]
    pub dry_run: bool,
    /// Write one JSON object as the last line of standard output.
    #[arg(long)]
    pub json: bool,
    /// Options of `train`, for every run.
    #[arg(last = true, value_name = "OPTIONS")]
    pub rest: Vec<OsString>,
}
