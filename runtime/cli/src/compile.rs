//! `--compile`: compiles a model file that is not built into this program, then re-executes the command with the
//! compiled program. Without `--compile` such a model is interpreted.
//!
//! Programs are cached by the content of all their inputs. The latest ones are kept.

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use srvae_dsl::graph::{Model, NetBody};
use srvae_training::terminal::note;
use std::convert::Infallible;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set for the compiled program, so that a program without its own model cannot compile in an endless loop.
const MARK: &str = "SRVAE_COMPILED_ON_THE_SPOT";
/// The location of srvae's crates, if they have moved since this program was built.
const SOURCES: &str = "SRVAE_SOURCES";
/// The crates a compiled model needs.
const CRATES: [&str; 3] = ["srvae-dsl", "srvae-macros", "runtime"];
/// The number of compiled programs that are kept.
const KEPT: usize = 8;

static ASKED_FOR: AtomicBool = AtomicBool::new(false);

/// Records whether the command line has `--compile`.
pub fn ask_for(compile: bool) {
    ASKED_FOR.store(compile, Ordering::Relaxed);
}

/// Whether the command line asks for compiled models.
pub fn is_asked_for() -> bool {
    ASKED_FOR.load(Ordering::Relaxed)
}

/// # Errors
/// A model with a network in Rust, which needs its own crate.
pub fn without_rust(path: &str, model: &Model) -> Result<()> {
    if let Some(net) = model.nets.iter().find(|net| matches!(net.body, NetBody::Rust { .. })) {
        bail!(
            "{path}: network `{}` is written in Rust, so this model needs a crate of its own: \
             a `model!` line, that network, and a `main` that calls srvae::cli::main",
            net.name
        );
    }
    Ok(())
}

/// Compiles a model's text and re-executes the command with the compiled program.
///
/// # Errors
/// No Rust toolchain, no sources of srvae, a model that needs its own crate, a cache that other users may write to, or
/// a failed build.
pub fn instead(path: &str, text: &str, model: &Model) -> Result<Infallible> {
    ensure!(env::var_os(MARK).is_none(), "{path}: the compiled program contains another model");
    without_rust(path, model)?;
    let sources = sources().with_context(|| format!("{path}: compiling it needs"))?;
    let (key, programs) = (key(text, &sources)?, cache()?.join("programs"));
    let program = programs.join(format!("{}-{key}", model.name));
    private(&programs)?;
    if !program.exists() {
        note(&format!("compiling {path} (once; kept in {})", program.display()));
        build(text, &model.name, &key, &sources, &program).with_context(|| format!("{path}: could not be compiled"))?;
        prune(&programs, &program);
    }
    private(&program)?;
    become_program(&program)
}

/// Refuses a path that another user owns or may write to, because its contents are executed.
#[cfg(unix)]
fn private(path: &Path) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    if !path.exists() {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("{}: cannot be created", path.display()))?;
    }
    let about = fs::symlink_metadata(path).with_context(|| format!("{}: cannot be inspected", path.display()))?;
    // Safety: geteuid has no preconditions and cannot fail.
    let own = unsafe { libc::geteuid() };
    ensure!(
        about.uid() == own && about.mode() & 0o022 == 0 && !about.is_symlink(),
        "{}: belongs to somebody else, or others may write to it, so nothing there is run; remove it, or set SRVAE_CACHE \
         to a folder of your own",
        path.display()
    );
    Ok(())
}

#[cfg(not(unix))]
fn private(path: &Path) -> Result<()> {
    match path.exists() {
        true => Ok(()),
        false => fs::create_dir_all(path).with_context(|| format!("{}: cannot be created", path.display())),
    }
}

/// Removes all programs but the latest.
fn prune(programs: &Path, newest: &Path) {
    let Ok(entries) = fs::read_dir(programs) else { return };
    let mut all: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path() != newest)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    all.sort();
    let over = (all.len() + 1).saturating_sub(KEPT);
    all.iter().take(over).for_each(|(_, path)| drop(fs::remove_file(path)));
}

/// The folder with srvae's crates: the one at build time of this program, or the one in the environment variable.
fn sources() -> Result<PathBuf> {
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned);
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

/// A name for the program, a hash of all its inputs.
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
    let projects = cache()?.join("projects");
    private(&projects)?;
    let project = projects.join(&name);
    let dependency = |name: &str, folder: &str| format!("{name} = {{ path = {:?} }}\n", sources.join(folder));
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{}{}\n\
         [profile.release]\ndebug = false\nstrip = true\n",
        dependency("srvae-macros", "srvae-macros"),
        dependency("srvae", "runtime")
    );
    let main = format!(
        "::srvae_macros::model!(\"model.pgm\");\n\nfn main() -> ::std::process::ExitCode {{\n    \
         ::srvae::cli::main(&[r#{}::COMPILED])\n}}\n",
        srvae_dsl::plan::module_name(model)
    );
    srvae_training::files::write(&project.join("Cargo.toml"), manifest.as_bytes())?;
    srvae_training::files::write(&project.join("src/main.rs"), main.as_bytes())?;
    srvae_training::files::write(&project.join("model.pgm"), text.as_bytes())?;
    // The same versions as in this program, so that nothing is downloaded and existing builds are reused.
    if let Ok(lock) = fs::read(sources.join("Cargo.lock")) {
        srvae_training::files::write(&project.join("Cargo.lock"), &lock)?;
    }
    let target = target()?;
    // Offline if the lock file exists, because everything was downloaded for this program.
    let locked = project.join("Cargo.lock").exists();
    if cargo(&project, &target, locked).is_err() && locked {
        note("once more, with downloads");
        cargo(&project, &target, false)?;
    }
    let made = target.join("release").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    keep(&made, program)
}

/// The target folder of this program, which contains compiled dependencies; otherwise one in the cache.
fn target() -> Result<PathBuf> {
    let own = env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent).filter(|folder| folder.ends_with("release"));
    let own = own.filter(|folder| folder.join(".fingerprint").is_dir() && tempfile::tempfile_in(folder).is_ok());
    match own.and_then(Path::parent) {
        Some(target) => Ok(target.to_owned()),
        None => Ok(cache()?.join("target")),
    }
}

/// Runs cargo in the project's folder, so that configuration and toolchain files of the user's folder do not apply. Its
/// progress is shown.
fn cargo(project: &Path, target: &Path, offline: bool) -> Result<()> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project).args(["build", "--release", "--target-dir"]).arg(target);
    command.args(offline.then_some("--offline")).stdout(Stdio::null());
    let status = match command.status() {
        Ok(status) => status,
        Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => {
            bail!("Rust's `cargo` is not installed or not on the PATH; https://rustup.rs installs it")
        }
        Err(reason) => return Err(reason).context("cargo could not be started"),
    };
    ensure!(status.success(), "cargo build failed; see its messages above");
    Ok(())
}

/// Puts the program in its place atomically.
fn keep(made: &Path, program: &Path) -> Result<()> {
    let failed = || format!("{}: the compiled program cannot be saved", program.display());
    let folder = program.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(failed)?;
    let partial =
        tempfile::Builder::new().prefix(".partial-").tempfile_in(folder).with_context(failed)?.into_temp_path();
    fs::copy(made, &partial).with_context(failed)?;
    partial.persist(program).with_context(failed)?;
    // The copy in the target folder is not needed.
    fs::remove_file(made).ok();
    Ok(())
}

/// Executes the current command with another program.
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

#[cfg(test)]
mod tests {
    use super::{KEPT, prune};
    use std::fs::{self, File};
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_latest_programs_are_kept() {
        let place = tempfile::tempdir().unwrap();
        let path = |age: u64| place.path().join(format!("model-{age}"));
        for age in 0..KEPT as u64 + 3 {
            let modified = SystemTime::now() - Duration::from_secs(60 * age);
            File::create(path(age)).unwrap().set_modified(modified).unwrap();
        }
        // The new program is kept whatever its time.
        let newest = path(KEPT as u64 + 2);
        prune(place.path(), &newest);
        let left: Vec<bool> = (0..KEPT as u64 + 3).map(|age| path(age).exists()).collect();
        let wanted: Vec<bool> = (0..KEPT as u64 + 3).map(|age| age < KEPT as u64 - 1 || path(age) == newest).collect();
        assert_eq!(left, wanted);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), KEPT);
    }

    #[test]
    #[cfg(unix)]
    fn nothing_is_run_from_a_folder_that_others_may_write_to() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("programs");
        super::private(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        for (mode, is_refused) in [(0o755, false), (0o770, true), (0o702, true)] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(super::private(&folder).is_err(), is_refused, "{mode:o}");
        }
        let link = place.path().join("link");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(super::private(&link).unwrap_err().to_string().contains("belongs to somebody else"));
    }
}
