//! `srvae-run sweep`: a series of training runs, and a table that compares them.

use super::args::{Cli, Sweep};
use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde_json::{Map, Value, json};
use srvae_training::files::write_json;
use srvae_training::interrupt;
use srvae_training::terminal::{note, out, table};
use srvae_training::train::RunFolder;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// A limit against mistakes.
const MOST: usize = 10_000;

/// A training of the sweep.
struct Job {
    /// The varied options with their values.
    choices: Vec<(String, String)>,
    seed: u64,
    folder: PathBuf,
    /// The arguments of its command line, without the program's name.
    arguments: Vec<OsString>,
}

pub fn run(args: &Sweep) -> Result<ExitCode> {
    let root = args.out.clone().unwrap_or_else(|| {
        let stem = args.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Path::new("runs").join(format!("{stem}-sweep"))
    });
    let jobs = jobs(args, &root)?;
    if args.dry_run {
        for job in &jobs {
            let words = std::iter::once("srvae-run".to_owned());
            let words = words.chain(job.arguments.iter().map(|word| quoted(&word.to_string_lossy())));
            out(&words.collect::<Vec<_>>().join(" "));
        }
        return Ok(ExitCode::SUCCESS);
    }
    interrupt::listen();
    let mut found = Vec::with_capacity(jobs.len());
    for (number, job) in jobs.iter().enumerate() {
        note(&format!("run {} of {}: {}", number + 1, jobs.len(), job.folder.display()));
        found.push(train(job)?);
        interrupt::check()?;
    }
    let rows: Vec<Value> = jobs.iter().zip(&found).map(|(job, found)| row(job, found.as_ref())).collect();
    let failed = found.iter().filter(|found| found.is_none()).count();
    let line = json!({ "runs": rows, "settings": settings(&jobs, &found), "failed": failed });
    write_json(&root.join("sweep.json"), &line)?;
    if args.json {
        out(&line.to_string());
    } else {
        print(&jobs, &found);
        out(&format!("  {}", root.join("sweep.json").display()));
    }
    ensure!(failed == 0, "{failed} of {} runs failed; the others are in {}", jobs.len(), root.display());
    Ok(ExitCode::SUCCESS)
}

/// Every combination of values, with every seed. Each command line is checked before the first run starts.
fn jobs(args: &Sweep, root: &Path) -> Result<Vec<Job>> {
    let mut choices: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for vary in &args.vary {
        let (name, values) =
            vary.split_once('=').with_context(|| format!("--vary {vary}: expected NAME=VALUE,VALUE"))?;
        let values: Vec<&str> = values.split(',').map(str::trim).filter(|value| !value.is_empty()).collect();
        ensure!(!values.is_empty() && !name.is_empty(), "--vary {vary}: expected NAME=VALUE,VALUE");
        ensure!(name != "seed", "--vary seed: --seeds N varies it");
        ensure!(choices.len() * values.len() <= MOST, "--vary: more than {MOST} combinations");
        let with = |choice: &Vec<(String, String)>, value: &str| {
            choice.iter().cloned().chain([(name.to_owned(), value.to_owned())]).collect()
        };
        choices = choices.iter().flat_map(|choice| values.iter().map(move |value| with(choice, value))).collect();
    }
    ensure!(choices.len().saturating_mul(args.seeds) <= MOST, "--seeds: more than {MOST} runs");
    let mut jobs = Vec::new();
    for choice in choices {
        for seed in (args.seed..).take(args.seeds) {
            jobs.push(job(args, root, choice.clone(), seed)?);
        }
    }
    Ok(jobs)
}

fn job(args: &Sweep, root: &Path, choices: Vec<(String, String)>, seed: u64) -> Result<Job> {
    let safe = |text: &str| text.replace(|letter: char| !letter.is_alphanumeric() && !"-.".contains(letter), "-");
    let names: Vec<String> = choices.iter().map(|(name, value)| format!("{}-{}", safe(name), safe(value))).collect();
    let folder = root.join([names, vec![format!("seed-{seed}")]].concat().join("_"));
    let mut arguments: Vec<OsString> = vec!["train".into(), args.file.clone().into()];
    for (name, value) in &choices {
        arguments.push(match name.strip_prefix("set.") {
            Some(parameter) => format!("--set={parameter}={value}").into(),
            None => format!("--{}={value}", name.replace('_', "-")).into(),
        });
    }
    arguments.extend([format!("--seed={seed}").into(), "--out".into(), folder.clone().into()]);
    arguments.extend(args.rest.iter().cloned());
    if let Err(error) = Cli::try_parse_from(std::iter::once("srvae-run".into()).chain(arguments.iter().cloned())) {
        let line: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let reason = error.to_string();
        bail!(
            "`srvae-run {}`: {}",
            line.join(" "),
            reason.lines().next().unwrap_or_default().trim_start_matches("error: ")
        );
    }
    Ok(Job { choices, seed, folder, arguments })
}

/// Trains in a separate process; an existing run is resumed. None if it failed.
fn train(job: &Job) -> Result<Option<Value>> {
    let mut command = Command::new(std::env::current_exe().context("this program cannot find its own file")?);
    if RunFolder::at(&job.folder).last().exists() {
        command.args(["train".as_ref(), job.folder.as_os_str(), "--resume".as_ref()]);
    } else {
        command.args(&job.arguments);
    }
    let output = command.arg("--json").stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.context("a training run could not be started")?;
    if output.status.code() == Some(i32::from(interrupt::EXIT_CODE)) {
        bail!(interrupt::Interrupted);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Ok(line.filter(|_| output.status.success()))
}

fn row(job: &Job, found: Option<&Value>) -> Value {
    let choices: Map<String, Value> = job.choices.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({ "run": job.folder, "varied": choices, "seed": job.seed, "result": found })
}

/// The mean and the standard deviation over the seeds of each combination.
fn settings(jobs: &[Job], found: &[Option<Value>]) -> Vec<Value> {
    let mut all: Vec<(&[(String, String)], Vec<f64>)> = Vec::new();
    for (job, found) in jobs.iter().zip(found) {
        let test = found.as_ref().and_then(|found| found["test_after"].as_f64());
        match all.iter_mut().find(|(choices, _)| *choices == job.choices) {
            Some((_, tests)) => tests.extend(test),
            None => all.push((&job.choices, test.into_iter().collect())),
        }
    }
    let one = |(choices, tests): &(&[(String, String)], Vec<f64>)| {
        let choices: Map<String, Value> = choices.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let (mean, deviation) = moments(tests);
        json!({ "varied": choices, "seeds": tests.len(), "test_after": mean, "standard_deviation": deviation })
    };
    all.iter().map(one).collect()
}

/// Mean and standard deviation, if there are enough numbers.
fn moments(numbers: &[f64]) -> (Option<f64>, Option<f64>) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let squares = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>();
    ((count > 0.0).then_some(mean), (count > 1.0).then(|| (squares / (count - 1.0)).sqrt()))
}

fn print(jobs: &[Job], found: &[Option<Value>]) {
    let number = |value: &Value| value.as_f64().map_or_else(|| "–".to_owned(), |number| format!("{number:.4}"));
    let names = jobs.first().map_or_else(Vec::new, |job| job.choices.iter().map(|(name, _)| name.clone()).collect());
    let head = ["seed", "steps", "validation", "test"].map(str::to_owned);
    let mut rows: Vec<Vec<String>> =
        vec![["run".to_owned()].into_iter().chain(names.iter().cloned()).chain(head).collect()];
    for (job, found) in jobs.iter().zip(found) {
        let mut row = vec![job.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()];
        row.extend(job.choices.iter().map(|(_, value)| value.clone()));
        row.push(job.seed.to_string());
        row.extend(match found {
            Some(found) => {
                [found["steps"].to_string(), number(&found["validation_best"]), number(&found["test_after"])]
            }
            None => ["failed".into(), "–".into(), "–".into()],
        });
        rows.push(row);
    }
    out(&table(&rows));
    if jobs.iter().any(|job| job.seed != jobs[0].seed) {
        let mut rows = vec![[names, vec!["test, mean".into(), "± sd".into(), "seeds".into()]].concat()];
        for setting in settings(jobs, found) {
            let varied = setting["varied"].as_object().into_iter().flatten();
            let mut row: Vec<String> = varied.map(|(_, value)| value.as_str().unwrap_or_default().to_owned()).collect();
            row.extend([
                number(&setting["test_after"]),
                number(&setting["standard_deviation"]),
                setting["seeds"].to_string(),
            ]);
            rows.push(row);
        }
        out(&table(&rows));
    }
}

/// A word quoted for a shell.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
