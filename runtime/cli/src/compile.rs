//! A model file that is not compiled into this program is compiled on the spot, and this command run by what comes out.
//!
//! The program that comes out is kept by the content of everything it was made from, so the next start is immediate.

use super::models::Found;
use super::{args::ModelArgs, compiler};
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use srvae_dsl::graph::NetBody;
use srvae_training::Compiled;
use srvae_training::terminal::note;
use std::convert::Infallible;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set for the compiled program, so that one that does not know its own model cannot compile for ever.
const MARK: &str = "SRVAE_COMPILED_ON_THE_SPOT";
/// Where the crates of srvae lie, should they have moved since this program was built.
const SOURCES: &str = "SRVAE_SOURCES";
/// The crates a compiled model needs.
const CRATES: [&str; 3] = ["srvae-dsl", "srvae-macros", "runtime"];

/// Compiles a model's text and becomes the program that knows it.
///
/// # Errors
/// No Rust toolchain, no sources of srvae, a model that needs a crate of its own, or a failed build.
pub fn instead(models: &'static [Compiled], file: &Path, text: &str) -> Result<Found> {
    ensure!(env::var_os(MARK).is_none(), "{}: was compiled, but came out as another model", file.display());
    let path = file.display().to_string();
    let compilation = compiler::compile(&path, text, &ModelArgs::default())?;
    let model = compilation.model()?;
    if let Some(net) = model.nets.iter().find(|net| matches!(net.body, NetBody::Rust { .. })) {
        bail!(
            "{path}: network `{}` is written in Rust, so this model needs a crate of its own: \
             a `model!` line, that network, and a `main` that calls srvae::cli::main",
            net.name
        );
    }
    let sources = sources().with_context(|| {
        format!("{path}: is not compiled into this program; {}; compiling it needs", super::models::known(models))
    })?;
    let key = key(text, &sources)?;
    let program = cache()?.join("programs").join(format!("{}-{key}", model.name));
    if !program.exists() {
        note(&format!("compiling {path} (once; kept in {})", program.display()));
        build(text, &model.name, &key, &sources, &program).with_context(|| format!("{path}: could not be compiled"))?;
    }
    let never = become_program(&program)?;
    match never {}
}

/// The folder that holds the crates of srvae: where they were when this program was built, or where the environment says.
fn sources() -> Result<PathBuf> {
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned);
    let folder = env::var_os(SOURCES).map(PathBuf::from).or(built_from).unwrap_or_default();
    for part in CRATES {
        ensure!(
            folder.join(part).join("Cargo.toml").is_file(),
            "the sources of srvae, which are not in {}; set {SOURCES} to a checkout",
            folder.display()
        );
    }
    Ok(folder)
}

fn cache() -> Result<PathBuf> {
    let of = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = of("SRVAE_CACHE")
        .or_else(|| of("XDG_CACHE_HOME").map(|folder| folder.join("srvae")))
        .or_else(|| of("HOME").map(|folder| folder.join(".cache/srvae")));
    folder.context("no place for compiled models is known: set SRVAE_CACHE to a folder")
}

/// A name for what comes out, decided by everything that goes in.
fn key(text: &str, sources: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(text);
    for part in CRATES {
        let mut folders = vec![sources.join(part).join("src")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| format!("{}: cannot be listed", folder.display()))? {
                let entry = entry?;
                let about = entry.metadata()?;
                if about.is_dir() {
                    folders.push(entry.path());
                } else {
                    files.push((entry.path(), about.len(), about.modified()?));
                }
            }
        }
        files.sort();
        hash.update(format!("{files:?}"));
    }
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn build(text: &str, model: &str, key: &str, sources: &Path, program: &Path) -> Result<()> {
    let name = format!("srvae-model-{key}");
    let project = cache()?.join("projects").join(&name);
    let dependency = |name: &str, folder: &str| format!("{name} = {{ path = {:?} }}\n", sources.join(folder));
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{}{}\n\
         [profile.release]\ndebug = \"line-tables-only\"\n",
        dependency("srvae-macros", "srvae-macros"),
        dependency("srvae", "runtime")
    );
    let main = format!(
        "srvae_macros::model!(\"model.pgm\");\n\nfn main() -> std::process::ExitCode {{\n    \
         srvae::cli::main(&[{model}::COMPILED])\n}}\n"
    );
    srvae_training::files::write(&project.join("Cargo.toml"), manifest.as_bytes())?;
    srvae_training::files::write(&project.join("src/main.rs"), main.as_bytes())?;
    srvae_training::files::write(&project.join("model.pgm"), text.as_bytes())?;
    // The same versions as this program's: nothing to download, and what it was built from need not be built again.
    if let Ok(lock) = fs::read(sources.join("Cargo.lock")) {
        srvae_training::files::write(&project.join("Cargo.lock"), &lock)?;
    }
    let target = target()?;
    if let Err(reason) = cargo(&project, &target, true) {
        // Offline fails where a crate was never downloaded; anything else fails again, with the same words.
        if !format!("{reason:#}").contains("offline") {
            return Err(reason);
        }
        cargo(&project, &target, false)?;
    }
    let made = target.join("release").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    keep(&made, program)
}

/// The target folder this program came from, where its parts are compiled already; else one in the cache.
fn target() -> Result<PathBuf> {
    let own = env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent).filter(|folder| folder.ends_with("release"));
    let own = own.filter(|folder| folder.join(".fingerprint").is_dir() && tempfile::tempfile_in(folder).is_ok());
    match own.and_then(Path::parent) {
        Some(target) => Ok(target.to_owned()),
        None => Ok(cache()?.join("target")),
    }
}

fn cargo(project: &Path, target: &Path, offline: bool) -> Result<()> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--quiet", "--manifest-path"]).arg(project.join("Cargo.toml"));
    command.arg("--target-dir").arg(target).args(offline.then_some("--offline"));
    let output = match command.output() {
        Ok(output) => output,
        Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => {
            bail!("Rust's `cargo` is not installed or not on the PATH; https://rustup.rs installs it")
        }
        Err(reason) => return Err(reason).context("cargo could not be started"),
    };
    if !output.status.success() {
        bail!("cargo build failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}

/// Puts the program in its place, whole or not at all.
fn keep(made: &Path, program: &Path) -> Result<()> {
    let failed = || format!("{}: the compiled program cannot be kept", program.display());
    let folder = program.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(failed)?;
    let partial =
        tempfile::Builder::new().prefix(".partial-").tempfile_in(folder).with_context(failed)?.into_temp_path();
    fs::copy(made, &partial).with_context(failed)?;
    partial.persist(program).with_context(failed)?;
    // Its twin in the target folder would only take room.
    fs::remove_file(made).ok();
    Ok(())
}

/// Runs this very command with another program.
#[cfg(unix)]
fn become_program(program: &Path) -> Result<Infallible> {
    use std::os::unix::process::CommandExt;
    let reason = Command::new(program).args(env::args_os().skip(1)).env(MARK, "1").exec();
    Err(reason).with_context(|| format!("{}: the compiled model cannot be started", program.display()))
}

#[cfg(not(unix))]
fn become_program(program: &Path) -> Result<Infallible> {
    let status = Command::new(program).args(env::args_os().skip(1)).env(MARK, "1").status();
    let status = status.with_context(|| format!("{}: the compiled model cannot be started", program.display()))?;
    std::process::exit(status.code().unwrap_or(1))
}
