//! `srvae-run report`: the run folder as one HTML page.

use super::args::Report;
use super::session;
use anyhow::{Result, ensure};
use srvae_training::files::{self, Kind};
use srvae_training::spec::Spec;
use srvae_training::terminal::out;
use srvae_training::train::RunFolder;
use srvae_training::{Compiled, Device};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub fn run(models: &'static [Compiled], args: &Report) -> Result<ExitCode> {
    if let Some(out) = &args.out {
        files::check_place(out, Kind::Html, args.force)?;
    }
    ensure!(
        !args.run.pretrained,
        "--pretrained: a report needs a run folder, and the weights of the program have none"
    );
    let session = session::Session::open(models, &args.run, &Device::Cpu)?;
    let path = args.out.clone().unwrap_or_else(|| session.folder.report());
    let page = write(&session.folder, &session.spec, &path)?;
    out(&page.display().to_string());
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a run and prints its path.
///
/// # Errors
/// A path that cannot be written.
pub fn write(folder: &RunFolder, spec: &Spec, path: &Path) -> Result<PathBuf> {
    let page = srvae_training::report::page(folder, &spec.name, &super::compiler::explained(spec)?)?;
    files::write(path, page.html().as_bytes())?;
    Ok(path.to_owned())
}
