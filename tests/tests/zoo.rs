//! The zoo: every published model in `models/zoo` checks, keeps the deep laws and learns, on data that ship with the program; and the
//! one command that has a file alone does everything with it.
//!
//! With `--nocapture` each prints its row of the table: whether it checks, how many deep laws hold, the score of the test records before
//! and after, and the seconds taken. `ZOO_TABLE=FILE` writes the rows of the models that are tried into that table.

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::Mutex;
use std::time::Instant;

/// Steps of training. A model that is right gains within these; none is finished.
const STEPS: &str = "30";

fn main() -> ExitCode {
    type Test = fn(&Path) -> Result<()>;
    let tests: [(&str, Test); 2] = [("", learns), (", the one command", does_everything)];
    let trials = files().into_iter().flat_map(|file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        tests.map(|(what, test)| {
            let file = file.clone();
            Trial::test(format!("{name}{what}"), move || {
                test(&file).map_err(|error| Failed::from(format!("{error:#}")))
            })
        })
    });
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials.collect());
    if let Some(path) = std::env::var_os("ZOO_TABLE")
        && let Err(reason) = write_table(Path::new(&path))
    {
        eprintln!("{}: {reason}", Path::new(&path).display());
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// Rows of the table by their models, as far as these were tried.
static ROWS: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// The rows of models that were tried, and those that the table has of the others.
fn write_table(path: &Path) -> std::io::Result<()> {
    let before = std::fs::read_to_string(path).unwrap_or_default();
    let kept = before.lines().skip(2).map(|row| (row.split('|').nth(1).unwrap_or_default().trim().to_owned(), row));
    let mut rows: BTreeMap<String, String> = kept.map(|(name, row)| (name, format!("{row}\n"))).collect();
    rows.extend(ROWS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone());
    let is_there = |name: &String| files().iter().any(|file| file.file_stem().is_some_and(|stem| *stem == **name));
    rows.retain(|name, _| is_there(name));
    let head =
        "| model | checks | deep laws | before | after | | seconds |\n| --- | --- | --- | ---: | ---: | --- | ---: |\n";
    std::fs::write(path, head.to_owned() + &rows.into_values().collect::<String>())
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
    let laws = |how: &str| said.lines().filter(|line| line.trim_start().starts_with(how)).count();
    let laws = match laws("skipped") {
        0 => format!("{} hold", laws("holds")),
        skipped => format!("{} hold, {skipped} skipped", laws("holds")),
    };
    let runs = tempfile::tempdir()?;
    let out = runs.path().join("run");
    let train = ["--steps", STEPS, "--batch", "32", "--lr", "0.003", "--seed", "1", "--json"];
    let said = run(Command::new(program()).arg("train").arg(file).args(train).arg("--out").arg(&out))?;
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    let score = |key: &str| last[key].as_f64().with_context(|| format!("no `{key}` in {last}"));
    let (before, after) = (score("test_before")?, score("test_after")?);
    let (unit, seconds) = (last["unit"].as_str().unwrap_or_default(), start.elapsed().as_secs_f64());
    let row = format!("| {name} | yes | {laws} | {before:.3} | {after:.3} | {unit} | {seconds:.1} |\n");
    print!("{row}");
    ROWS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(name.into_owned(), row);
    ensure!(after < before, "{before} before training, {after} after it");
    Ok(())
}

/// Without any option but the steps: data, evaluation, every mode, the report.
fn does_everything(file: &Path) -> Result<()> {
    let place = tempfile::tempdir()?;
    let mut command = Command::new(program());
    let said = run(command.arg(file).args(["--steps", "2", "--json"]).current_dir(place.path()))?;
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    let score = last["evaluation"]["nll"].as_f64().with_context(|| format!("no likelihood in {last}"))?;
    ensure!(score.is_finite(), "{score}");
    let report = last["report"].as_str().with_context(|| format!("no report in {last}"))?;
    let page = std::fs::read_to_string(place.path().join(report))?;
    ensure!(page.ends_with("</html>\n") && page.contains("<h2>Training</h2>"), "{report} is no whole page");
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
