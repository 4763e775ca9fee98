//! The compiler as a tool.

use super::ModelArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
    /// Build the model of one file too, in double precision, and try laws on it: flows invert and their
    /// log-determinants are their Jacobians', values fit their variables, closed forms are the means of their
    /// estimates, the bound rises with the samples, gradients are slopes. At the preset `quick` where there is one.
    #[arg(long)]
    pub deep: bool,
}

#[derive(Debug, Args)]
pub struct Fmt {
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Write nothing; fail if a file is not in canonical form.
    #[arg(long)]
    pub check: bool,
}
