//! What the command line asks of the compiler.

use super::args::ModelArgs;
use super::models::Found;
use crate::report::Explained;
use crate::spec::{Role, Space, Spec, Variable};
use anyhow::Result;

pub fn check(_path: &str, _text: &str, _args: &ModelArgs) -> Result<()> {
    Ok(())
}

pub fn presets(_path: &str, _text: &str) -> Result<Vec<String>> {
    Ok(Vec::new())
}

pub fn explained(_spec: &Spec) -> Result<Explained> {
    Ok(Explained::default())
}

pub fn spec(found: &Found, args: &ModelArgs) -> Result<Spec> {
    let mut variables = Vec::new();
    for line in found.text.lines() {
        let role = match line.split(' ').next() {
            Some("observed") => Role::Observed,
            Some("latent") => Role::Latent,
            _ => continue,
        };
        let (name, space) = line.split_once(' ').and_then(|(_, rest)| rest.split_once(": ")).unwrap_or_default();
        let shape = space.split_once('[').map(|(_, dims)| dims.trim_end_matches(']')).unwrap_or_default();
        let shape = shape.split(", ").filter_map(|number| number.parse().ok()).collect();
        variables.push(Variable { name: name.into(), role, space: Space::Real, shape });
    }
    Ok(Spec {
        name: found.compiled.name.into(),
        source: found.text.clone(),
        preset: args.preset.clone(),
        settings: Vec::new(),
        variables,
        compiled: found.compiled,
    })
}
