//! From the FILE of a command to a model: a compiled-in one, or an interpreted one.

use super::args::ModelArgs;
use super::{compile, compiler};
use anyhow::{Context, Result, bail};
use srvae_training::spec::Spec;
use srvae_training::train::same_model;
use srvae_training::{Builder, Compiled};
use std::path::Path;

/// A model file and its builder.
#[derive(Debug, Clone)]
pub struct Found {
    pub builder: Builder,
    /// The name in messages.
    pub path: String,
    pub text: String,
}

/// The model of a file, or a compiled-in model by name. A file that is not compiled in is interpreted, or compiled
/// first with `--compile`.
///
/// # Errors
/// A missing file, or one with errors.
pub fn find(models: &'static [Compiled], file: &Path) -> Result<Found> {
    if !file.exists() {
        if let Some(compiled) = models.iter().find(|model| file.as_os_str() == model.name) {
            return Ok(Found {
                builder: of_compiled(*compiled),
                path: compiled.path.into(),
                text: compiled.source.into(),
            });
        }
        bail!("{}: no such file; {}", file.display(), known(models));
    }
    of_text(models, file, &read(file)?)
}

/// The model of this text.
///
/// # Errors
/// A text with errors, or a failed compilation with `--compile`.
pub fn of_text(models: &'static [Compiled], file: &Path, text: &str) -> Result<Found> {
    let path = file.display().to_string();
    let builder = match models.iter().find(|model| same_model(model.source, text)) {
        Some(compiled) => of_compiled(*compiled),
        None => {
            let compilation = compiler::compile(&path, text, &ModelArgs::default())?;
            let model = compilation.model()?;
            if compile::is_asked_for() {
                compile::instead(&path, text, model)?;
            }
            compile::without_rust(&path, model)?;
            srvae_interpreter::builder(&path, text)
        }
    };
    Ok(Found { builder, path, text: text.to_owned() })
}

/// Builds the compiled model if its code is valid for the settings. For other numbers of members, the file is
/// interpreted.
fn of_compiled(compiled: Compiled) -> Builder {
    let interpreted = srvae_interpreter::builder(compiled.path, compiled.source);
    Builder::new(move |settings, params| match compiled.fits(settings) || has_rust(&compiled) {
        true => (compiled.build)(settings, params),
        false => interpreted.build(settings, params),
    })
}

/// Whether the model has a network in Rust, so that it cannot be interpreted.
fn has_rust(compiled: &Compiled) -> bool {
    let compilation = compiler::compile(compiled.path, compiled.source, &ModelArgs::default());
    let model = compilation.as_ref().ok().and_then(|it| it.model().ok());
    model.is_some_and(|model| compile::without_rust(compiled.path, model).is_err())
}

impl Found {
    /// The model at the parameter values of the arguments.
    ///
    /// # Errors
    /// An unknown preset or parameter, a value of the wrong kind, or shapes that do not fit.
    pub fn spec(&self, args: &ModelArgs) -> Result<Spec> {
        compiler::spec((&self.path, &self.text), &self.builder, args)
    }

    /// Whether the file has a preset of this name.
    ///
    /// # Errors
    /// A file with errors.
    pub fn has_preset(&self, name: &str) -> Result<bool> {
        Ok(compiler::presets(&self.path, &self.text)?.iter().any(|preset| preset == name))
    }
}

/// The path and the text of a model file, or of a compiled-in model with this name.
///
/// # Errors
/// A file that is missing, cannot be read or is not UTF-8.
pub fn named(models: &'static [Compiled], file: &Path) -> Result<(String, String)> {
    if !file.exists() {
        return match models.iter().find(|model| file.as_os_str() == model.name) {
            Some(compiled) => Ok((compiled.path.into(), compiled.source.into())),
            None => bail!("{}: no such file; {}", file.display(), known(models)),
        };
    }
    Ok((file.display().to_string(), read(file)?))
}

/// The text of a model file.
///
/// # Errors
/// A file that cannot be read or is not UTF-8.
pub fn read(file: &Path) -> Result<String> {
    if file.is_dir() {
        bail!(
            "{}: this is a folder; expected a model file (for a run folder use train --resume, eval, sample, …)",
            file.display()
        );
    }
    let bytes = srvae_training::input::read(file)?;
    // The compiler reports the place of the first byte that is not UTF-8. Its reader would drop a byte order mark,
    // which the formatter removes.
    srvae_dsl::Source::from_bytes(file.display().to_string(), &bytes)?;
    String::from_utf8(bytes).with_context(|| format!("{}: not a model file (not UTF-8 text)", file.display()))
}

/// The compiled-in models, for messages.
pub fn known(models: &[Compiled]) -> String {
    let names: Vec<&str> = models.iter().map(|model| model.name).collect();
    match names.is_empty() {
        true => "no model is compiled in".into(),
        false => format!("compiled in, and known by name, are {}", names.join(", ")),
    }
}
