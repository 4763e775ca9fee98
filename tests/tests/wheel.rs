//! The program as a Python wheel: built by `.ci/wheel`, installed into an environment of its own, and run there.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Listing asks no network.
    let missing = if arguments.list { None } else { missing() };
    let name = match missing {
        Some(reason) => format!("the_wheel_installs_and_runs (ignored: {reason})"),
        None => "the_wheel_installs_and_runs".to_owned(),
    };
    let trial = Trial::test(name, the_wheel_installs_and_runs).with_ignored_flag(missing.is_some());
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// What the test needs and does not find.
fn missing() -> Option<&'static str> {
    let runs = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if !runs(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
        return Some("python3 with venv is not installed");
    }
    let folder = tempfile::tempdir().ok()?;
    let mut download = Command::new("python3");
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0", "--timeout", "10", "maturin"]);
    let reached = runs(download.arg("--dest").arg(folder.path()));
    (!reached).then_some("PyPI cannot be reached")
}

fn the_wheel_installs_and_runs() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir()?;
    let wheels = folder.path().join("wheels");
    run(Command::new(root.join(".ci/wheel")).arg(&wheels))?;
    let built: Vec<PathBuf> = std::fs::read_dir(&wheels)?.flatten().map(|entry| entry.path()).collect();
    let [wheel] = built.as_slice() else { return Err(format!("not one wheel: {built:?}").into()) };

    let environment = folder.path().join("environment");
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", "--no-index"]).arg(wheel))?;
    let program = environment.join("bin/srvae-run");
    let version = run(Command::new(&program).arg("--version"))?;
    if version.trim() != format!("srvae-run {}", env!("CARGO_PKG_VERSION")) {
        return Err(format!("it calls itself {version}").into());
    }
    let explained = run(Command::new(&program).arg("explain").arg(root.join("models/srvae.pgm")).current_dir(&folder))?;
    if !explained.contains("RE_x + RE_y − KL_z − KL_u") {
        return Err(explained.into());
    }
    Ok(())
}

/// What a command writes to standard output.
fn run(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
