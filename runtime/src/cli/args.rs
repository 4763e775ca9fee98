//! The command line, as clap sees it.

use crate::data::Split;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  srvae-run models/srvae.pgm                         train, evaluate, draw every mode, write a report: minutes
  srvae-run train models/vae.pgm --data cifar-10-batches-bin --preset quick --steps 300 --out runs/a
  srvae-run train runs/a --resume --steps 600        go on from the last checkpoint
  srvae-run eval runs/a --k 100 --json               likelihood by 100 importance samples a picture
  srvae-run sample runs/a --count 64 --temperature 0.8
  srvae-run upscale runs/a --draws 3
  srvae-run explain models/srvae.pgm                 factors, bound, modes, networks
  srvae-run bench models/srvae.pgm --job train --batch 16 --json

Exit codes:
  0  done        1  an error, said in one message on standard error
  2  the command line was not understood        130  interrupted; a checkpoint was written";

/// Compiles, trains and runs latent-variable models written as .pgm files.
///
/// With a FILE alone: trains the model, evaluates it, draws every mode and writes a report.
#[derive(Debug, Parser)]
#[command(name = "srvae-run", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub all: All,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model file into a run folder, or go on with a run.
    Train(Box<Train>),
    /// Estimate a trained model's likelihood on test pictures.
    Eval(Eval),
    /// Draw new pictures.
    Sample(Mode),
    /// Encode pictures and decode them again.
    Reconstruct(Mode),
    /// Keep what the top latents say of a picture, and draw the rest anew.
    Regenerate(Mode),
    /// Draw full pictures for reduced ones (super-resolution).
    Upscale(Mode),
    /// Walk between two pictures in the top latents.
    Interpolate(Interpolate),
    /// Write report.html for a run.
    Report(Report),
    /// Time a job.
    Bench(Bench),
    /// Say what the compiler derives from a model file.
    Explain(Explain),
    /// Check model files.
    Check(Check),
    /// Bring model files into canonical form.
    Fmt(Fmt),
}

/// The values of a model file's parameters.
#[derive(Debug, Clone, Default, Args)]
pub struct ModelArgs {
    /// A named set of parameter values in the model file, such as `quick` or `full`.
    #[arg(long)]
    pub preset: Option<String>,
    /// The value of one parameter of the model file; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// CIFAR-10 (folder or archive of its binary version), a folder of PNG or JPEG pictures, or `builtin`.
    #[arg(long)]
    pub data: Option<String>,
    /// How validation pictures are taken from the training pictures: hoogeboom, authors or none.
    #[arg(long, value_name = "NAME")]
    pub split: Option<Split>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DeviceChoice {
    /// A GPU where there is one.
    #[default]
    Auto,
    Cpu,
    Cuda,
}

#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// Where to compute.
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
    /// Threads to compute with; all cores where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Progress on standard error only; the last line on standard output is one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Args)]
pub struct TrainArgs {
    /// Training steps in all [default: 300].
    #[arg(long, value_name = "N", conflicts_with = "epochs", value_parser = at_least_one)]
    pub steps: Option<usize>,
    /// Passes over the training pictures, in place of --steps.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub epochs: Option<f64>,
    /// Pictures a step [default: 32].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub batch: Option<usize>,
    /// The whole run is a function of it [default: 1].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Learning rate at the first step [default: 0.002].
    #[arg(long, value_name = "RATE", value_parser = positive)]
    pub lr: Option<f64>,
    /// exponential (the paper's), cosine or constant [default: exponential].
    #[arg(long, value_name = "NAME")]
    pub schedule: Option<ScheduleChoice>,
    /// Samples of the latents a picture; more than one trains the importance-weighted bound [default: 1].
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    pub samples: Option<usize>,
    /// Mirror training pictures and shift them by up to 5 %, as the authors do.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub augment: Option<bool>,
    /// Scale the gradient down to this norm.
    #[arg(long, value_name = "NORM", value_parser = positive)]
    pub clip: Option<f64>,
    /// Evaluate a running average of the parameters with this decay, such as 0.999.
    #[arg(long, value_name = "DECAY", value_parser = fraction)]
    pub average: Option<f64>,
    /// Steps over which the KL terms come in.
    #[arg(long, value_name = "STEPS")]
    pub warm_up: Option<usize>,
    /// Nats each KL term has for free.
    #[arg(long, value_name = "NATS", value_parser = positive)]
    pub free_nats: Option<f64>,
    /// End after so many validations that were not better.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub patience: Option<usize>,
    /// Steps between validations.
    #[arg(long, value_name = "STEPS", value_parser = at_least_one)]
    pub validate_every: Option<usize>,
    /// Pictures used at a validation [default: 256].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub validation_images: Option<usize>,
    /// Steps between checkpoints.
    #[arg(long, value_name = "STEPS", value_parser = at_least_one)]
    pub checkpoint_every: Option<usize>,
    /// End after so many minutes, steps or not.
    #[arg(long, value_parser = positive)]
    pub minutes: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScheduleChoice {
    Exponential,
    Cosine,
    Constant,
}

/// Everything: train, evaluate, draw, report.
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
    /// The run folder; a new one below runs/ where not given.
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Importance samples a picture in the evaluation.
    #[arg(long, value_name = "K", default_value_t = 10, value_parser = at_least_one)]
    pub k: usize,
    /// Test pictures in the evaluation.
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
    /// The run folder; a new one below runs/ where not given. A run that lies there is moved aside.
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Go on from the last checkpoint of the run folder.
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// A trained model.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// A run folder, or a checkpoint file.
    pub run: PathBuf,
    /// Which checkpoint of the folder: best or last.
    #[arg(long, value_enum, default_value_t)]
    pub checkpoint: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Which {
    #[default]
    Best,
    Last,
}

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
    #[arg(long, default_value_t = 5, value_parser = at_least_one)]
    pub steps: usize,
    /// Importance samples a picture, for the job nll.
    #[arg(long, default_value_t = 16, value_parser = at_least_one)]
    pub k: usize,
    /// Samples computed at once, for the job nll; all of them where not given.
    #[arg(long, value_parser = at_least_one)]
    pub chunk: Option<usize>,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// The model file.
    pub file: PathBuf,
    #[command(flatten)]
    pub model: ModelArgs,
    /// How to say it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// One JSON object, its keys documented and stable.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// The factorisations and the bound for a paper.
    #[arg(long, conflicts_with_all = ["format", "json"])]
    pub latex: bool,
    /// The graph for Graphviz.
    #[arg(long, conflicts_with_all = ["format", "json", "latex"])]
    pub dot: bool,
    /// Writes the graph as a picture to this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Writes the graph as a picture to this file.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Memory in GiB: says the largest batch that trains in it.
    #[arg(long, value_name = "GIB")]
    pub memory: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
    Latex,
    Dot,
    Svg,
    /// The Rust code that the file becomes.
    Rust,
}

#[derive(Debug, Args)]
pub struct Check {
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
}

#[derive(Debug, Args)]
pub struct Fmt {
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Write nothing; fail if a file is not in canonical form.
    #[arg(long)]
    pub check: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is needed".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("a whole number is needed".into()),
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| "a number is needed".into())
}

fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| if number > 0.0 { Ok(number) } else { Err("a number above 0 is needed".into()) })
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| if number >= 0.0 { Ok(number) } else { Err("a number from 0 on is needed".into()) })
}

fn fraction(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| {
        if (0.0..1.0).contains(&number) { Ok(number) } else { Err("a number from 0 to below 1 is needed".into()) }
    })
}
