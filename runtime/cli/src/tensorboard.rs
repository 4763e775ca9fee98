//! The description of a run for TensorBoard: hyperparameters, the bound, the graph.

use super::compiler;
use anyhow::Result;
use serde_json::Value;
use srvae_training::spec::Spec;
use srvae_training::train::RunFolder;
use srvae_training::train::tensorboard::{About, Events};

/// Writes the description, from `config.json` and the model.
///
/// # Errors
/// A folder that cannot be written.
pub fn begin(folder: &RunFolder, config: &Value, spec: &Spec) -> Result<()> {
    let explained = compiler::explained(spec)?;
    let block = |text: &str| format!("```\n{}\n```", text.trim_end());
    let about = About {
        score: if spec.unit() == "nats" { "nats" } else { "bits_per_dim" },
        hyperparameters: hyperparameters(config),
        texts: vec![
            ("model/bound".into(), block(&explained.mathematics)),
            ("model/source".into(), block(&spec.source)),
        ],
        graph: explained.nodes,
    };
    Events::create(folder.root())?.about(&about)
}

/// Writes the end of a run, and whether it succeeded.
///
/// # Errors
/// A folder that cannot be written.
pub fn end(folder: &RunFolder, step: usize, success: bool) -> Result<()> {
    Events::create(folder.root())?.end(step, success)
}

/// The settings of the model and of training. Those of a group have its name as a prefix: `schedule.rate`.
fn hyperparameters(config: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for name in ["model", "preset", "data", "device", "parameters"] {
        found.push((name.to_owned(), config[name].clone()));
    }
    for part in ["settings", "train"] {
        for (name, value) in config[part].as_object().into_iter().flatten() {
            match value {
                Value::Object(group) => {
                    found.extend(group.iter().map(|(inner, value)| (format!("{name}.{inner}"), value.clone())));
                }
                _ => found.push((name.clone(), value.clone())),
            }
        }
    }
    found
}
