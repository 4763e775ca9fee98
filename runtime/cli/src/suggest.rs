//! Suggestions for a first word that is neither a command nor a model.

use super::args::Cli;
use clap::CommandFactory;
use srvae_training::Compiled;
use std::ffi::OsString;
use std::path::Path;

/// The minimum similarity of two words.
const ALIKE: f64 = 0.6;

/// A suggestion for a first argument that resembles a command, but is not a command, a compiled-in model or a file.
pub fn command(models: &[Compiled], first: Option<OsString>) -> Option<String> {
    let first = first?;
    let word = first.to_str()?;
    let known = |name: &str| name == word;
    let tool = Cli::command();
    let commands: Vec<&str> = tool.get_subcommands().map(clap::Command::get_name).chain(["help"]).collect();
    if word.starts_with('-')
        || commands.iter().any(|name| known(name))
        || models.iter().any(|model| known(model.name))
        || Path::new(&first).exists()
    {
        return None;
    }
    let alike = commands.into_iter().map(|name| (strsim::normalized_damerau_levenshtein(word, name), name));
    let (likeness, name) = alike.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (likeness >= ALIKE)
        .then(|| format!("{word}: no such command and no such model file; did you mean `srvae-run {name}`?"))
}
