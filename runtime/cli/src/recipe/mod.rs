//! `run.toml`: the options of a run as a file. Every run folder contains one that repeats the run with `--config`.

mod written;

pub use written::text;

use super::args::Cli;
use anyhow::{Context, Result, bail, ensure};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item, Table, Value};

const OPTION: &str = "--config";

/// The command line with the options of its `--config FILE`. Options on the command line take precedence.
///
/// # Errors
/// A file that is missing, is not TOML, or names an option that training does not have.
pub fn expand(mut arguments: Vec<OsString>) -> Result<Vec<OsString>> {
    let Some(file) = take(&mut arguments)? else { return Ok(arguments) };
    let first = (1..arguments.len()).find(|&at| !arguments[at].as_encoded_bytes().starts_with(b"-"));
    let tool = Cli::command();
    let command = first.and_then(|at| Some((at, tool.find_subcommand(&arguments[at])?.get_name())));
    let at = match command {
        Some((at, "train")) => at + 1,
        Some((_, name)) => bail!("{OPTION} is for training; {name} does not support it"),
        None => 1,
    };
    let text = fs::read_to_string(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let document: DocumentMut = text.parse().with_context(|| format!("{}: not a TOML file", file.display()))?;
    let (model, options) = options(&file, document.as_table(), &arguments)?;
    arguments.splice(at..at, options);
    // The file's model is used if the command line has none.
    let lacks_model = Cli::try_parse_from(&arguments)
        .is_err_and(|error| error.kind() == clap::error::ErrorKind::MissingRequiredArgument);
    arguments.splice(at..at, model.filter(|_| lacks_model));
    Ok(arguments)
}

/// Removes `--config FILE` from the arguments.
fn take(arguments: &mut Vec<OsString>) -> Result<Option<PathBuf>> {
    let name = |argument: &OsString| argument.to_str().and_then(|text| text.strip_prefix(OPTION)).map(str::to_owned);
    let is_it = |rest: &str| rest.is_empty() || rest.starts_with('=');
    let mut places = (0..arguments.len()).filter(|&at| name(&arguments[at]).is_some_and(|rest| is_it(&rest)));
    let Some(at) = places.next() else { return Ok(None) };
    ensure!(places.next().is_none(), "{OPTION} is given twice; only one file is allowed");
    let option = arguments.remove(at);
    if let Some(file) = name(&option).and_then(|rest| rest.strip_prefix('=').map(PathBuf::from)) {
        return Ok(Some(file));
    }
    ensure!(at < arguments.len(), "{OPTION}: which file?");
    Ok(Some(arguments.remove(at).into()))
}

/// The model in a file, and its other options as arguments, without those of the command line.
fn options(file: &Path, table: &Table, given: &[OsString]) -> Result<(Option<OsString>, Vec<OsString>)> {
    let tool = Cli::command();
    let train = tool.find_subcommand("train").context("there is no command train")?;
    let knows = |name: &str| train.get_arguments().any(|argument| argument.get_long() == Some(name));
    let has = |name: &str| {
        let option = format!("--{name}");
        given.iter().filter_map(|argument| argument.to_str()).any(|text| text.split('=').next() == Some(&option))
    };
    let sets = |parameter: &str| {
        let starts = format!("{parameter}=");
        let texts = given.iter().filter_map(|argument| argument.to_str());
        texts.map(|text| text.trim_start_matches("--set=")).any(|text| text.starts_with(&starts))
    };
    let (mut model, mut found) = (None, Vec::new());
    for (key, item) in table {
        let name = key.replace('_', "-");
        let text = |item: &Item| scalar(item).with_context(|| format!("{}: `{key}` is not one value", file.display()));
        let pairs = || -> Result<Vec<(String, String)>> {
            let table = item.as_table_like().with_context(|| format!("{}: `{key}` is not a table", file.display()))?;
            table.iter().map(|(left, right)| Ok((left.to_owned(), text(right)?))).collect()
        };
        match name.as_str() {
            "model" => model = Some(near(file, &text(item)?).into_os_string()),
            "set" => {
                let kept = pairs()?.into_iter().filter(|(parameter, _)| !has("preset") && !sets(parameter));
                found.extend(kept.map(|(parameter, value)| format!("--set={parameter}={value}").into()));
            }
            "bind" if has("bind") => {}
            "bind" => {
                found.extend(pairs()?.into_iter().map(|(variable, what)| format!("--bind={variable}={what}").into()));
            }
            // Two forms of the same option.
            "steps" if has("epochs") => {}
            "epochs" if has("steps") => {}
            _ if has(&name) => {}
            "data" => {
                let mut option = OsString::from("--data=");
                option.push(near(file, &text(item)?));
                found.push(option);
            }
            _ if knows(&name) && name != "resume" && name != "config" => {
                found.push(format!("--{name}={}", text(item)?).into())
            }
            _ => bail!("{}: `{key}` is not an option of training; `srvae-run train --help` lists them", file.display()),
        }
    }
    Ok((model, found))
}

/// A path relative to the file's folder if it exists there, otherwise unchanged.
fn near(file: &Path, path: &str) -> PathBuf {
    let beside = file.parent().unwrap_or(Path::new("")).join(path);
    if beside.exists() { beside } else { path.into() }
}

fn scalar(item: &Item) -> Option<String> {
    Some(match item.as_value()? {
        Value::String(text) => text.value().clone(),
        Value::Integer(number) => number.value().to_string(),
        Value::Float(number) => number.value().to_string(),
        Value::Boolean(flag) => flag.value().to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::expand;
    use std::ffi::OsString;

    fn expanded(file: &str, line: &str) -> Result<String, String> {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("run.toml");
        std::fs::write(&path, file).unwrap();
        let line = line.replace("FILE", &path.display().to_string());
        let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        match expand(arguments) {
            Ok(arguments) => Ok(arguments.join(" ".as_ref()).into_string().unwrap()),
            Err(error) => Err(format!("{error:#}")),
        }
    }

    const FILE: &str =
        "model = \"m.pgm\"\nsteps = 30\nlr = 1e-3\nwarm_up = 5\naugment = true\n[set]\nwidth = 8\ndepth = 2\n";

    #[test]
    fn options_of_a_file_stand_before_those_of_the_command_line() {
        let all = "--steps=30 --lr=0.001 --warm-up=5 --augment=true --set=width=8 --set=depth=2";
        for (line, expected) in [
            ("run train --config FILE --out a", format!("run train m.pgm {all} --out a")),
            ("run --config=FILE --k 5", format!("run m.pgm {all} --k 5")),
            ("run train x.pgm --config FILE", format!("run train {all} x.pgm")),
            (
                "run train --config FILE --steps 7",
                format!("run train m.pgm {} --steps 7", all.replace("--steps=30 ", "")),
            ),
            (
                "run train --config FILE --epochs=2",
                format!("run train m.pgm {} --epochs=2", all.replace("--steps=30 ", "")),
            ),
            (
                "run train --config FILE --set width=4",
                format!("run train m.pgm {} --set width=4", all.replace(" --set=width=8", "")),
            ),
            ("run train x.pgm", "run train x.pgm".to_owned()),
        ] {
            assert_eq!(expanded(FILE, line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        for (file, line, words) in [
            ("colour = 3", "run train --config FILE", "run.toml: `colour` is not an option of training"),
            ("steps = [3]", "run train --config FILE", "run.toml: `steps` is not one value"),
            ("steps = ", "run train --config FILE", "run.toml: not a TOML file"),
            ("steps = 3", "run eval --config FILE", "eval does not support it"),
            ("steps = 3", "run train --config", "which file?"),
            ("steps = 3", "run train --config nowhere.toml", "nowhere.toml: cannot be read"),
            ("steps = 3", "run train --config FILE --config FILE", "given twice"),
        ] {
            let said = expanded(file, line).unwrap_err();
            assert!(said.contains(words), "{line}: {said}");
        }
    }
}
