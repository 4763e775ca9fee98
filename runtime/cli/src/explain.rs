//! `srvae-run explain | check | fmt`: the compiler's commands.

use super::args::{Check, Explain, Fmt, Format};
use super::machine::show_bytes;
use super::{compiler, deep, models};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use srvae_dsl::{Compilation, Report, Source, Style, emit, explain};
use srvae_interpreter::Memory;
use srvae_training::Compiled;
use srvae_training::files::{self, Kind};
use srvae_training::terminal::{note_in_colour, out, table};
use std::io::IsTerminal;
use std::process::ExitCode;

/// Messages are coloured on a terminal.
pub fn style() -> Style {
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        Style::Coloured
    } else {
        Style::Plain
    }
}

/// Prints the warnings of a file without errors.
fn warn(compilation: &Compilation) {
    if !compilation.diagnostics().is_empty() {
        note_in_colour(&compilation.report().render(style()));
    }
}

pub fn check(models: &'static [Compiled], args: &Check) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        let (path, text) = models::named(models, file)?;
        match compiler::compile(&path, &text, &args.model) {
            Ok(compilation) => {
                warn(&compilation);
                let model = compilation.model()?;
                let presets: Vec<&str> = model.presets.iter().map(|preset| preset.name.as_str()).collect();
                let presets =
                    if presets.is_empty() { String::new() } else { format!(" and its presets {}", presets.join(", ")) };
                out(&format!("{path}: model {}{presets}: no errors", model.name));
            }
            Err(error) => match error.downcast_ref::<Report>() {
                Some(report) => {
                    note_in_colour(&report.render(style()));
                    code = ExitCode::FAILURE;
                }
                None => return Err(error),
            },
        }
    }
    Ok(code)
}

/// Checks files with the compiler, then the laws on the model, file after file.
pub fn check_deep(models: &'static [Compiled], args: &Check) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        let found = models::find(models, file)?;
        let mut settings = args.model.clone();
        if settings.preset.is_none() && found.has_preset("quick")? {
            settings.preset = Some("quick".to_owned());
        }
        if !deep::run(&found.spec(&settings)?, args.seed)? {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// Prints the compiler's explanation of a file in the requested format; drawings are written to files.
pub fn explain(models: &'static [Compiled], args: &Explain) -> Result<ExitCode> {
    let (path, text) = models::named(models, &args.file)?;
    let compilation = compiler::compile(&path, &text, &args.model)?;
    let plan = compilation.plan()?;
    let pictures = [(&args.svg, Kind::Svg), (&args.png, Kind::Png), (&args.pdf, Kind::Pdf)];
    let pictures: Vec<_> = pictures.into_iter().filter_map(|(file, kind)| Some((file.as_deref()?, kind))).collect();
    if !pictures.is_empty() {
        pictures.iter().try_for_each(|(file, kind)| files::check_place(file, *kind, args.force))?;
        let svg = explain::svg(plan);
        for (file, kind) in pictures {
            let bytes = match kind {
                Kind::Png => super::png::png(&svg)?,
                Kind::Pdf => super::pdf::pdf(&svg)?,
                _ => svg.clone().into_bytes(),
            };
            files::write(file, &bytes)?;
            out(&file.display().to_string());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let format = match (args.json, args.latex, args.dot) {
        (true, ..) => Format::Json,
        (_, true, _) => Format::Latex,
        (.., true) => Format::Dot,
        _ => args.format,
    };
    let result = match format {
        Format::Text => explain::text(plan) + &memory_text(&Memory::of(plan), args.memory),
        Format::Json => {
            let mut object = explain::json(plan);
            object["budget"] = memory_json(&Memory::of(plan));
            object["warnings"] = compilation.diagnostics().iter().map(|warning| warning.title.clone()).collect();
            format!("{object:#}")
        }
        Format::Latex => explain::latex(plan),
        Format::Dot => explain::dot(plan),
        Format::Svg => explain::svg(plan),
        Format::Rust => emit::rust_source(plan, &emit::Origin { path: path.clone(), include: path, text })
            .context("the compiler generated invalid code; this is a bug in srvae, please report it")?,
    };
    if format != Format::Json {
        warn(&compilation);
    }
    out(result.trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The memory of the model, and the largest training batches for several sizes of memory, including the requested one.
fn memory_text(memory: &Memory, asked: Option<u64>) -> String {
    let row = |what: &str, bytes: u64, of: &str| vec![what.to_owned(), show_bytes(bytes as f64), of.to_owned()];
    let mut rows = vec![
        row("training", memory.training_fixed, "program, weights, gradients, Adamax, kernels"),
        row("  per record", memory.training_image, "activations and temporary memory of the backward pass"),
        row("  checkpoint", memory.saving, "program, weights and Adamax, and the file's bytes"),
        row("evaluation", memory.evaluation_fixed, "program, weights, kernels"),
        row("  per sample", memory.evaluation_image, "at the widest layer"),
    ];
    for gibibytes in [8, 24, 80].into_iter().chain(asked) {
        let largest = memory.largest_batch(gibibytes.saturating_mul(1 << 30));
        rows.push(vec![format!("largest batch in {gibibytes} GiB"), largest.to_string(), "training".to_owned()]);
    }
    format!("\nMemory, estimated\n{}", table(&rows))
}

fn memory_json(memory: &Memory) -> Value {
    json!({
        "training_bytes": memory.training_fixed,
        "training_bytes_an_image": memory.training_image,
        "checkpoint_bytes": memory.saving,
        "evaluation_bytes": memory.evaluation_fixed,
        "evaluation_bytes_an_image": memory.evaluation_image,
    })
}

/// Formats files, or reports those that are not formatted.
pub fn format(args: &Fmt) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        let (path, text) = (file.display().to_string(), models::read(file)?);
        let canonical = match srvae_dsl::format(&Source::new(&path, &text)) {
            Ok(canonical) => canonical,
            Err(report) => {
                note_in_colour(&report.render(style()));
                code = ExitCode::FAILURE;
                continue;
            }
        };
        if canonical == text {
            continue;
        }
        if args.check {
            out(&format!("{path}: not in canonical form; `srvae-run fmt {path}` brings it there"));
            code = ExitCode::FAILURE;
        } else {
            files::rewrite(file, canonical.as_bytes())?;
            out(&format!("{path}: formatted"));
        }
    }
    Ok(code)
}
