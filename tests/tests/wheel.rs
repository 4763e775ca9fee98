//! The program as a Python wheel: built by `.ci/wheel`, installed into a virtual environment, and run there.

use anyhow::{Result, bail, ensure};
use srvae_tests::trials::{self, Missing};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

srvae_tests::trials!(the_wheel_installs_and_runs);

fn main() -> ExitCode {
    trials::run(&[TRIALS])
}

/// Python with virtual environments, and access to PyPI.
fn needs() -> Result<()> {
    let runs = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if !runs(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
        bail!(Missing("python3 with venv is not installed".into()));
    }
    let folder = tempfile::tempdir()?;
    let mut download = Command::new("python3");
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0", "--timeout", "10", "maturin"]);
    if !runs(download.arg("--dest").arg(folder.path())) {
        bail!(Missing("PyPI cannot be reached".into()));
    }
    Ok(())
}

fn the_wheel_installs_and_runs() -> Result<()> {
    needs()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir()?;
    let wheels = folder.path().join("wheels");
    // With the features that the tests' own build has, so that little is built again.
    run(Command::new(root.join(".ci/wheel")).arg(&wheels).args(["--features", "full,parquet"]))?;
    let built: Vec<PathBuf> = std::fs::read_dir(&wheels)?.flatten().map(|entry| entry.path()).collect();
    let [wheel] = built.as_slice() else { bail!("not one wheel: {built:?}") };

    let environment = folder.path().join("environment");
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", "--no-index"]).arg(wheel))?;
    let program = environment.join("bin/srvae-run");
    let version = run(Command::new(&program).arg("--version"))?;
    ensure!(version.trim() == concat!("srvae-run ", env!("CARGO_PKG_VERSION")), "it calls itself {version}");
    let explained = run(Command::new(&program).arg("explain").arg(root.join("models/srvae.pgm")).current_dir(&folder))?;
    ensure!(explained.contains("RE_x + RE_y − KL_z − KL_u"), "{explained}");
    Ok(())
}

/// The standard output of a command.
fn run(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
