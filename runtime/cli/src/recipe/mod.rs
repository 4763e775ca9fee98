//! `run.toml`: the options of a run as a file. Every run folder contains one that repeats the run with `--config`.

use super::args::Cli;
use super::plan::Plan;
use anyhow::{Context, Result, bail, ensure};
use clap::{CommandFactory, Parser};
use srvae_training::Setting;
use srvae_training::data::{Binarise, Place, Source};
use srvae_training::train::RECIPE;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item, Table, Value, value};

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
    let (mut model, mut found) = (None, Vec::new());
    for (key, item) in table {
        let name = key.replace('_', "-");
        let text = |item: &Item| scalar(item).with_context(|| format!("{}: `{key}` is not one value", file.display()));
        match name.as_str() {
            "model" => model = Some(near(file, &text(item)?).into_os_string()),
            "set" => {
                let table =
                    item.as_table_like().with_context(|| format!("{}: `set` is not a table", file.display()))?;
                for (parameter, item) in table.iter() {
                    let pair = format!("{parameter}={}", text(item)?);
                    let begins = |argument: &OsString| {
                        argument
                            .to_str()
                            .is_some_and(|text| text.trim_start_matches("--set=").starts_with(&format!("{parameter}=")))
                    };
                    if !has("preset") && !given.iter().any(begins) {
                        found.push(format!("--set={pair}").into());
                    }
                }
            }
            "bind" if has("bind") => {}
            "bind" => {
                let table =
                    item.as_table_like().with_context(|| format!("{}: `bind` is not a table", file.display()))?;
                for (variable, item) in table.iter() {
                    found.push(format!("--bind={variable}={}", text(item)?).into());
                }
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

/// The file that repeats a run.
///
/// # Errors
/// A setting that cannot be written.
pub fn text(plan: &Plan) -> Result<String> {
    let mut document = DocumentMut::new();
    let config = &plan.config;
    document["model"] = value("model.pgm");
    let source = Source::parse(&plan.source)?;
    document["data"] = match &source.place {
        Place::Path(path) => value(fs::canonicalize(path).unwrap_or_else(|_| path.clone()).display().to_string()),
        Place::Builtin => value(source.to_string()),
    };
    if let Some(crop) = source.crop {
        document["crop"] = value(crop.to_string());
    }
    for (variable, what) in &source.bind {
        document["bind"][variable.as_str()] = value(what.as_str());
    }
    if source.binarise == Binarise::Stochastic {
        document["binarise"] = value("stochastic");
    }
    if source.standardize {
        document["standardize"] = value(true);
    }
    if let Some(part) = source.labelled {
        document["labelled"] = value(part);
    }
    if let Some(name) = &source.group {
        document["group"] = value(name.as_str());
    }
    if let Some(path) = &source.indices {
        document["indices"] = value(path.display().to_string());
    }
    if source.seed != 0 {
        document["data_seed"] = value(i64::try_from(source.seed)?);
    }
    let schedule = serde_json::to_value(config.schedule.kind)?;
    let split = serde_json::to_value(config.split)?;
    for (name, word) in [("schedule", schedule), ("split", split)] {
        document[name] = value(word.as_str().context("a name")?);
    }
    let counts = [
        ("steps", Some(config.steps)),
        ("batch", Some(config.batch)),
        ("micro_batch", config.micro_batch),
        ("samples", Some(config.samples)),
        ("init_images", Some(config.init_images)),
        ("warm_up", Some(config.warm_up)),
        ("validate_every", Some(config.validate_every)),
        ("validation_images", Some(config.validation_images)),
        ("checkpoint_every", Some(config.checkpoint_every)),
        ("patience", config.patience),
        ("skip_limit", config.skip_above.map(|_| config.skip_limit)),
    ];
    for (name, count) in counts {
        if let Some(count) = count {
            document[name] = value(i64::try_from(count)?);
        }
    }
    document["seed"] = match i64::try_from(config.seed) {
        Ok(seed) => value(seed),
        // Outside of TOML's range of numbers.
        Err(_) => value(config.seed.to_string()),
    };
    let numbers = [
        ("lr", Some(config.schedule.rate)),
        ("free_nats", Some(config.free_nats).filter(|nats| *nats > 0.0)),
        ("clip", config.clip),
        ("skip_above", config.skip_above),
        ("average", config.average),
        ("minutes", config.minutes),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            document[name] = value(number);
        }
    }
    document["augment"] = value(config.augment);
    if config.graph {
        document["graph"] = value(true);
    }
    if let Some(preset) = &plan.spec.preset {
        document["preset"] = value(preset);
    }
    if !plan.spec.settings.is_empty() {
        let mut set = Table::new();
        for (name, setting) in &plan.spec.settings {
            set[name] = match setting {
                Setting::Bool(flag) => value(*flag),
                Setting::Int(number) => value(*number),
                Setting::Real(number) => value(*number),
                Setting::Word(word) => value(word),
            };
        }
        document["set"] = Item::Table(set);
    }
    Ok(format!("{RECIPE}srvae-run train --config run.toml --out ANOTHER\n{document}"))
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
