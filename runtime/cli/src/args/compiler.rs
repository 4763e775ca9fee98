//! Arguments of the compiler's commands.

use super::ModelArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Explain {
    /// The model file.
    pub file: PathBuf,
    #[command(flatten)]
    pub model: ModelArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// One JSON object with documented, stable keys.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// The factorisations and the bound as LaTeX.
    #[arg(long, conflicts_with_all = ["format", "json"])]
    pub latex: bool,
    /// The graph as DOT, for Graphviz.
    #[arg(long, conflicts_with_all = ["format", "json", "latex"])]
    pub dot: bool,
    /// Write the graph to an SVG file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write the graph to a PNG file.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Write the graph to a PDF file.
    #[arg(long, value_name = "FILE")]
    pub pdf: Option<PathBuf>,
    /// Replace an existing file of another kind.
    #[arg(long)]
    pub force: bool,
    /// Print the largest batch size that trains in this much memory, in GiB.
    #[arg(long, value_name = "GIB")]
    pub memory: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Tables of plain text.
    #[default]
    Text,
    /// One JSON object with documented, stable keys.
    Json,
    /// The factorisations and the bound.
    Latex,
    /// The graph, for Graphviz.
    Dot,
    /// The graph as a drawing.
    Svg,
    /// The generated Rust code.
    Rust,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The model files, or names of built-in models.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
    /// Also build the model of each file in double precision and test it: flows are invertible with the right
    /// log-determinant, values are in their spaces, closed forms agree with Monte Carlo estimates, the bound increases
    /// with the number of samples, gradients agree with finite differences. Uses the preset `quick` if there is one.
    #[arg(long)]
    pub deep: bool,
    /// Seed of the parameters, data and draws of these tests.
    #[arg(long, default_value_t = 0, requires = "deep")]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct Fmt {
    /// The model files.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Write nothing; fail if a file is not formatted.
    #[arg(long)]
    pub check: bool,
}
