//! `srvae-run explain | check | fmt`: the compiler as a tool.

use super::args::{Check, Explain, Fmt};
use super::{compiler, models};
use crate::terminal::{note, out};
use anyhow::{Result, bail};
use srvae_dsl::{Report, Source, Style};
use std::io::IsTerminal;
use std::process::ExitCode;

/// Messages have colours where a person reads them.
pub fn style() -> Style {
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        Style::Coloured
    } else {
        Style::Plain
    }
}

pub fn check(args: &Check) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        let (path, text) = (file.display().to_string(), models::read(file)?);
        match compiler::check(&path, &text, &args.model) {
            Ok((model, warnings)) => {
                if !warnings.is_empty() {
                    note(&Report::new(&Source::new(&path, &text), warnings).render(style()));
                }
                let presets: Vec<&str> = model.presets.iter().map(|preset| preset.name.as_str()).collect();
                let presets =
                    if presets.is_empty() { String::new() } else { format!(" and its presets {}", presets.join(", ")) };
                out(&format!("{path}: model {}{presets}: no errors", model.name));
            }
            Err(error) => match error.downcast_ref::<Report>() {
                Some(report) => {
                    note(&report.render(style()));
                    code = ExitCode::FAILURE;
                }
                None => return Err(error),
            },
        }
    }
    Ok(code)
}

pub fn explain(_args: &Explain) -> Result<ExitCode> {
    bail!("explain")
}

pub fn format(_args: &Fmt) -> Result<ExitCode> {
    bail!("fmt")
}
