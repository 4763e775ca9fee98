//! Changed settings of a resumed run: they are printed, and recorded in `config.json` beside the original ones.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use srvae_training::files::write_json;
use srvae_training::train::{Config, RunFolder};
use std::fs;

/// A setting with its old and new value.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The name in `config.json`: `batch`, `schedule.rate`, ….
    pub name: String,
    pub was: Value,
    pub now: Value,
}

/// The settings that differ, in their order.
///
/// # Errors
/// Settings that cannot be written as JSON.
pub fn between(was: &Config, now: &Config) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    collect("", &serde_json::to_value(was)?, &serde_json::to_value(now)?, &mut changes);
    Ok(changes)
}

fn collect(name: &str, was: &Value, now: &Value, changes: &mut Vec<Change>) {
    match (was, now) {
        (Value::Object(was), Value::Object(now)) => {
            for (key, value) in now {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                collect(&name, was.get(key).unwrap_or(&Value::Null), value, changes);
            }
        }
        _ if was != now => changes.push(Change { name: name.to_owned(), was: was.clone(), now: now.clone() }),
        _ => {}
    }
}

/// The changes for the line that reports the resumption. The number of steps is not repeated.
pub fn say(changes: &[Change]) -> String {
    let option = |name: &str| match name {
        "schedule.rate" => "--lr".to_owned(),
        "schedule.kind" => "--schedule".to_owned(),
        name => format!("--{}", name.replace('_', "-")),
    };
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).replace("null", "off");
    let one = |Change { name, was, now }: &Change| format!("{} {} ({} before)", option(name), value(now), value(was));
    let said: Vec<String> = changes.iter().filter(|change| change.name != "steps").map(one).collect();
    if said.is_empty() { String::new() } else { format!(", from here on with {}", said.join(", ")) }
}

/// Adds the changes to the list `resumed` of `config.json`. All other entries keep their values from the start of the
/// run. A missing file is created.
///
/// # Errors
/// A file that is damaged, or a folder that cannot be written.
pub fn record(folder: &RunFolder, step: usize, changes: &[Change], settings: &Value) -> Result<()> {
    let path = folder.config();
    if !path.exists() {
        return write_json(&path, settings);
    }
    if changes.is_empty() {
        return Ok(());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let damaged =
        || format!("{}: not JSON written by this program; move it away, and a new one is written", path.display());
    let mut config: Value = serde_json::from_str(&text).with_context(damaged)?;
    let changed: Map<String, Value> =
        changes.iter().map(|Change { name, was, now }| (name.clone(), json!({ "was": was, "now": now }))).collect();
    let entry = json!({ "step": step, "changed": changed });
    match config.get_mut("resumed").and_then(Value::as_array_mut) {
        Some(resumed) => resumed.push(entry),
        None => config.as_object_mut().with_context(damaged)?.extend([("resumed".to_owned(), json!([entry]))]),
    }
    write_json(&path, &config)
}

#[cfg(test)]
mod tests {
    use super::{Config, RunFolder, between, record, say};
    use serde_json::{Value, json};

    #[test]
    fn what_changes_is_said_and_kept_beside_what_was() {
        let was = Config::default();
        let mut now = Config { batch: 16, clip: Some(5.0), steps: 600, ..was.clone() };
        now.schedule.rate = 1e-3;
        let changes = between(&was, &now).unwrap();
        let said = say(&changes);
        assert_eq!(
            said,
            ", from here on with --batch 16 (32 before), --lr 0.001 (0.002 before), --clip 5.0 (off before)"
        );
        assert_eq!(say(&between(&was, &was).unwrap()), "");
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(place.path());
        let start = json!({ "train": Config::default() });
        let read = || -> Value { serde_json::from_slice(&std::fs::read(folder.config()).unwrap()).unwrap() };
        record(&folder, 3, &changes, &start).unwrap();
        record(&folder, 5, &[], &start).unwrap();
        assert_eq!(read(), start);
        record(&folder, 7, &changes, &start).unwrap();
        record(&folder, 9, &changes[..1], &start).unwrap();
        let config = read();
        assert_eq!(config["train"]["batch"], 32);
        assert_eq!(config["resumed"][0]["step"], 7);
        assert_eq!(config["resumed"][0]["changed"]["schedule.rate"], json!({ "was": 0.002, "now": 0.001 }));
        assert_eq!(config["resumed"][1]["changed"].as_object().unwrap().len(), 1);
    }
}
