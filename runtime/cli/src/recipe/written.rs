//! The file that a run folder has of its options.

use crate::plan::Plan;
use anyhow::{Context, Result};
use srvae_training::Setting;
use srvae_training::data::{Binarise, Place, Source};
use srvae_training::spec::Spec;
use srvae_training::train::{Config, RECIPE};
use std::fs;
use toml_edit::{DocumentMut, Item, Table, value};

/// The file that repeats a run.
///
/// # Errors
/// A setting that cannot be written.
pub fn text(plan: &Plan) -> Result<String> {
    let mut document = DocumentMut::new();
    document["model"] = value("model.pgm");
    data(&mut document, &Source::parse(&plan.source)?)?;
    training(&mut document, &plan.config)?;
    model(&mut document, &plan.spec);
    Ok(format!("{RECIPE}srvae-run train --config run.toml --out ANOTHER\n{document}"))
}

fn data(document: &mut DocumentMut, source: &Source) -> Result<()> {
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
    Ok(())
}

fn training(document: &mut DocumentMut, config: &Config) -> Result<()> {
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
    Ok(())
}

fn model(document: &mut DocumentMut, spec: &Spec) {
    if let Some(preset) = &spec.preset {
        document["preset"] = value(preset);
    }
    if spec.settings.is_empty() {
        return;
    }
    let mut set = Table::new();
    for (name, setting) in &spec.settings {
        set[name] = match setting {
            Setting::Bool(flag) => value(*flag),
            Setting::Int(number) => value(*number),
            Setting::Real(number) => value(*number),
            Setting::Word(word) => value(word),
        };
    }
    document["set"] = Item::Table(set);
}
