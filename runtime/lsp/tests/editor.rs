//! The extension for Visual Studio Code. Node.js runs it against the server with a mock of the editor.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let missing = Command::new("node").arg("--version").output().is_err();
    let name = if missing { "the_extension_works (ignored: node is not installed)" } else { "the_extension_works" };
    let trial = Trial::test(name, the_extension_works).with_ignored_flag(missing);
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn the_extension_works() -> Result<(), Failed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../editors/vscode/test/run.js");
    let output = Command::new("node").arg(script).arg(env!("CARGO_BIN_EXE_srvae-lsp")).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}
