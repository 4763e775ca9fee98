//! Files from and for elsewhere.

use super::{CommonArgs, DataArgs, ModelArgs, RunArgs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Fetch {
    /// cifar10, cifar10-python or fid-weights.
    pub name: String,
    /// Another address of the same file.
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,
    /// The folder to put it in; the cache (SRVAE_CACHE, or srvae in the user's cache folder) where not given.
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
    /// The last line on standard output is one JSON object.
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
    /// The data the run is to remember.
    #[command(flatten)]
    pub data: DataArgs,
    /// The run folder to make.
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
    /// Replace a file of another kind, or a checkpoint, that lies there.
    #[arg(long)]
    pub force: bool,
    /// The last line on standard output is one JSON object.
    #[arg(long)]
    pub json: bool,
}
