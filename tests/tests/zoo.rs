//! The zoo: every published model in `models/zoo` checks, keeps the deep laws and learns, on data that ship with the program.
//!
//! With `--nocapture` each prints its row of the table: the score of the test records before and after, and the seconds taken.

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Instant;

/// Steps of training. A model that is right gains within these; none is finished.
const STEPS: &str = "30";

fn main() -> ExitCode {
    let trials = files().into_iter().map(|file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(name, move || learns(&file).map_err(|error| Failed::from(format!("{error:#}"))))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/zoo");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "pgm")).collect();
    files.sort();
    files
}

fn learns(file: &Path) -> Result<()> {
    let start = Instant::now();
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let said = run(Command::new(program()).args(["check", "--deep"]).arg(file))?;
    ensure!(said.contains("every law holds"), "{said}");
    let runs = tempfile::tempdir()?;
    let out = runs.path().join("run");
    let train = ["--steps", STEPS, "--batch", "32", "--lr", "0.003", "--seed", "1", "--json"];
    let said = run(Command::new(program()).arg("train").arg(file).args(train).arg("--out").arg(&out))?;
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    let score = |key: &str| last[key].as_f64().with_context(|| format!("no `{key}` in {last}"));
    let (before, after) = (score("test_before")?, score("test_after")?);
    println!(
        "| {} | {before:.3} | {after:.3} | {} | {:.1} |",
        name,
        last["unit"].as_str().unwrap_or_default(),
        start.elapsed().as_secs_f64()
    );
    ensure!(after < before, "{before} before training, {after} after it");
    Ok(())
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_graphs")
}

fn run(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = command.output()?;
    ensure!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    Ok(String::from_utf8(stdout)?)
}
