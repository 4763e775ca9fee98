//! Arguments of commands that download or convert files.

use super::{CommonArgs, DataArgs, ModelArgs, RunArgs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Fetch {
    /// mnist, fashion, cifar10, cifar10-python, cifar100 or fid-weights.
    pub name: String,
    /// Another URL of the same file; for mnist and fashion, of the folder with the files.
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,
    /// The folder to write to [default: the cache, SRVAE_CACHE or srvae in the user's cache folder].
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
    /// Write one JSON object as the last line of standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// A PyTorch checkpoint (.pth), or safetensors with PyTorch's names.
    pub weights: PathBuf,
    /// The model file.
    pub file: PathBuf,
    #[command(flatten)]
    pub model: ModelArgs,
    /// The data set of the run.
    #[command(flatten)]
    pub data: DataArgs,
    /// The run folder to create.
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    pub run: RunArgs,
    /// The file to write.
    #[arg(long, value_name = "SAFETENSORS")]
    pub out: PathBuf,
    /// Write a checkpoint with only the weights, in half precision, for every command that takes a RUN, instead of a
    /// file with PyTorch's names. It contains the running average if the run has one, and refers to the built-in data.
    #[arg(long)]
    pub half: bool,
    /// Overwrite a file of another kind, or a checkpoint.
    #[arg(long)]
    pub force: bool,
    /// Write one JSON object as the last line of standard output.
    #[arg(long)]
    pub json: bool,
}
