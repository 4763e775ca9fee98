//! The command line, in clap.

mod bench;
mod compiler;
mod eval;
mod files;
mod modes;
mod numbers;
mod train;

pub use bench::{Bench, Job};
pub use compiler::{Check, Explain, Fmt, Format};
#[cfg(feature = "fid")]
pub use eval::RealSet;
pub use eval::{Encode, Eval, Fid, FidArgs, LikelihoodArgs, Table};
pub use files::{Export, Fetch, Import};
pub use modes::{DecodeChoice, Drawing, Figure, Interpolate, Mode, Report, Upscale};
pub use train::{All, ScheduleChoice, Sweep, Train, TrainArgs};

use clap::{Args, Parser, Subcommand, ValueEnum};
use srvae_training::data::{self, Binarise, Crop, Source, Split};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  srvae-run models/srvae.pgm                         train, evaluate, run every mode, write a report: minutes
  srvae-run train models/vae.pgm --data cifar-10-batches-bin --preset quick --steps 300 --out runs/a
  srvae-run train runs/a --resume --steps 600        resume from the last checkpoint
  srvae-run eval runs/a --k 100 --json               likelihood with 100 importance samples per image
  srvae-run table runs/a runs/b --transfer imagenet32    the paper's Table 1 for trained models
  srvae-run fetch cifar10                            download a data set, with checksum
  srvae-run sample runs/a --count 64 --temperature 0.8
  srvae-run upscale runs/a --input photo.png         twice its size, in blended tiles
  srvae-run reconstruct runs/a --against runs/b      two models on one sheet
  srvae-run upscale --pretrained --input photo.png   with the weights that are part of the program
  srvae-run figure runs/a --out figure.pdf           the graph and every mode, for a paper
  srvae-run explain models/srvae.pgm                 factors, bound, modes, networks
  srvae-run lsp                                      started by an editor: see editors/vscode
  srvae-run bench models/srvae.pgm --job train --batch 16 --json

Exit codes:
  0  done        1  an error, with one message on standard error
  2  the command line was not understood
  130  interrupted; training has written a checkpoint
  141  the reader of standard output has exited (| head); the work is complete and its files are written";

/// Compiles, trains and runs latent-variable models written as .pgm files.
///
/// With only a FILE: trains the model, evaluates it, runs every mode and writes a report.
#[derive(Debug, Parser)]
#[command(name = "srvae-run", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Cli {
    /// Compile a model file that is not built in, with cargo, and run the command with the compiled model. Without this
    /// option such a model is interpreted.
    #[arg(long, global = true)]
    pub compile: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Limit on the memory that one data file, checkpoint or archive takes when unpacked; for one image it is a
    /// sixteenth of this.
    #[arg(long, global = true, value_name = "GIB", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..1 << 20))]
    pub read_limit: u64,
    /// Largest data set to keep in memory, in MiB. Records of a larger one are read from disk on demand, without a
    /// change of the results.
    #[arg(long, global = true, value_name = "MIB", default_value_t = 1024)]
    pub stream_above: u64,
    #[command(flatten)]
    pub all: All,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model into a run folder, or resume a run.
    Train(Box<Train>),
    /// Train with varied options, one run after the other, and compare the runs.
    Sweep(Sweep),
    /// Estimate the likelihood of test data under a trained model.
    Eval(Eval),
    /// Infer the latents of every record, as arrays.
    ///
    /// The file contains two arrays for each latent, with the record as the first axis: NAME, the value of q without noise
    /// (the mean for a normal q, given the means of the latents above), and NAME_draws [records, draws, …]; and `number`, the
    /// number of each record in its data set.
    Encode(Encode),
    /// Impute the missing values of every record, as arrays.
    ///
    /// The file contains two arrays for each partly observed variable, with the record as the first axis: NAME, the value that a
    /// record has, and in the place of a missing one the likeliest given what the record has; and NAME_draws
    /// [records, draws, …], in which the missing values are drawn; and `number`, the number of each record in its data set.
    Impute(Encode),
    /// Measure the Fréchet inception distance between sampled and real images.
    Fid(Fid),
    /// Compare trained models: likelihoods, terms and FIDs, as in the paper's Table 1.
    Table(Table),
    /// Download a data set or the FID network's weights, and verify checksums.
    Fetch(Fetch),
    /// Convert a PyTorch checkpoint to a run folder.
    Import(Import),
    /// Write the weights of a trained model with PyTorch's names.
    Export(Export),
    /// Sample from the model (generation).
    Sample(Drawing),
    /// Encode images and decode them again.
    Reconstruct(Mode),
    /// Keep the top latents inferred from an image and sample everything below (generative reconstruction).
    Regenerate(Mode),
    /// Sample full-size images given downscaled ones (super-resolution).
    Upscale(Upscale),
    /// Interpolate between two images in the top latents.
    Interpolate(Interpolate),
    /// Draw the model's graph and examples of every mode as one figure.
    Figure(Figure),
    /// Write report.html for a run.
    Report(Report),
    /// Time training, evaluation or generation.
    Bench(Bench),
    /// Show what the compiler derives from a model file.
    Explain(Explain),
    /// Check model files.
    Check(Check),
    /// Format model files.
    Fmt(Fmt),
    /// Run the language server for editors on standard input and output.
    Lsp,
}

/// The values of a model file's parameters.
#[derive(Debug, Clone, Default, Args)]
pub struct ModelArgs {
    /// A named set of parameter values in the model file, such as `quick` or `full`.
    #[arg(long)]
    pub preset: Option<String>,
    /// The value of one parameter of the model file; can be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// A folder of images (sub-folders are classes), CIFAR-10, CIFAR-100, the downsampled ImageNet, MNIST's files, an
    /// .npz, .npy, safetensors, CSV or WebDataset file, the name of a downloaded data set such as `cifar10`, or
    /// built-in data: `builtin` (values that fit the model), `digits`, `table`, `sequences`, `counts`, `pairs`.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// The data of a variable whose field has another name: an array or column, several columns (a,b,c or g0..g11), or
    /// the path of another data set; can be repeated.
    #[arg(long, value_name = "NAME=WHAT", requires = "data", value_parser = data::parse_bind)]
    pub bind: Vec<(String, String)>,
    /// The part to use of each image of a folder: WIDTHxHEIGHT+LEFT+TOP, such as 148x148+15+40 for CelebA, or SIDE.
    #[arg(long, value_name = "WINDOW", requires = "data")]
    pub crop: Option<Crop>,
    /// How grey levels become 0 and 1 for a binary variable: threshold (at the middle) or stochastic (drawn once per
    /// record) [default: threshold].
    #[arg(long, value_enum, value_name = "HOW", requires = "data")]
    pub binarise: Option<BinariseChoice>,
    /// Scale every number of real variables to mean 0 and standard deviation 1 over the training records. Likelihoods
    /// remain in the original units.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", requires = "data")]
    pub standardize: Option<bool>,
    /// Keep the partly observed variables in this fraction of the training records (the same fraction of each class),
    /// and hide them in the others.
    #[arg(long, value_name = "PART", requires = "data", value_parser = part)]
    pub labelled: Option<f64>,
    /// How to choose the validation set among the training records: standard (the last fifth of CIFAR-10 and ImageNet,
    /// a random fifth of other data), hoogeboom (the last fifth), authors (15 % at random), none, or a random fraction
    /// such as 0.1.
    #[arg(long, value_name = "NAME|PART")]
    pub split: Option<Split>,
    /// Keep records with the same value in this column (a patient, a scene) together in training, validation or test.
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub group: Option<String>,
    /// A file with the division of the records: JSON or .npz with `train`, `val` and `test`, each a list of record
    /// numbers from 0, or the split.json of a run.
    #[arg(long, value_name = "FILE", requires = "data", conflicts_with = "group")]
    pub indices: Option<PathBuf>,
    /// Seed of the division into training, validation and test records [default: 0].
    #[arg(long, value_name = "SEED", requires = "data")]
    pub data_seed: Option<u64>,
}

/// A number from 0 to 1.
fn part(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|part| (0.0..=1.0).contains(part))
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BinariseChoice {
    Threshold,
    Stochastic,
}

impl DataArgs {
    /// The source in these arguments, with absolute paths, for [`srvae_training::data::Source::parse`].
    pub fn source(&self) -> Option<String> {
        let source = Source {
            crop: self.crop,
            bind: self.bind.clone(),
            binarise: match self.binarise {
                Some(BinariseChoice::Stochastic) => Binarise::Stochastic,
                _ => Binarise::Threshold,
            },
            standardize: self.standardize.unwrap_or_default(),
            labelled: self.labelled,
            group: self.group.clone(),
            indices: self.indices.clone(),
            seed: self.data_seed.unwrap_or_default(),
            ..Source::of(self.data.as_ref()?.as_os_str())
        };
        Some(source.absolute().text())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DeviceChoice {
    /// The first GPU that works, else the CPU.
    #[default]
    Auto,
    Cpu,
    Cuda,
}

/// The number format of GEMMs on a GPU, and of the activations that training keeps on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PrecisionChoice {
    /// 24 bits of mantissa.
    #[default]
    F32,
    /// 11 bits, in the tensor cores; only on a GPU.
    Tf32,
    /// 8 bits. On a GPU, in the tensor cores; dense layers also store their activations in bf16. On the CPU, only activations are kept in
    /// bf16 from the forward to the backward pass: less memory, the same time.
    Bf16,
}

impl From<PrecisionChoice> for srvae_training::ops::cuda::Precision {
    fn from(choice: PrecisionChoice) -> Self {
        match choice {
            PrecisionChoice::F32 => Self::F32,
            PrecisionChoice::Tf32 => Self::Tf32,
            PrecisionChoice::Bf16 => Self::Bf16,
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// The device to compute on.
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
    /// The number format of matrix products (GEMMs) on a GPU, and of activations kept for the backward pass on the CPU; parameters and sums
    /// are always f32.
    #[arg(long, value_enum, default_value_t)]
    pub precision: PrecisionChoice,
    /// Number of threads [default: all cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Write progress to standard error only, and one JSON object as the last line of standard output.
    #[arg(long)]
    pub json: bool,
}

/// A trained model.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// A run folder, or a checkpoint file.
    #[arg(required_unless_present = "pretrained")]
    pub run: Option<PathBuf>,
    /// Use the pretrained weights of srVAE that are built into the program, instead of RUN.
    #[arg(long, conflicts_with_all = ["run", "checkpoint"])]
    pub pretrained: bool,
    /// Which checkpoint of the folder: best or last.
    #[arg(long, value_enum, default_value_t)]
    pub checkpoint: Which,
}

impl RunArgs {
    /// A run folder or checkpoint file at this path.
    pub fn at(run: PathBuf, checkpoint: Which) -> Self {
        Self { run: Some(run), pretrained: false, checkpoint }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Which {
    #[default]
    Best,
    Last,
}
