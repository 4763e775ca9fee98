//! Tests with requirements that a machine may lack: they are reported as *ignored* with the reason, never as *passed*
//! without having run.

use anyhow::Result;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::process::ExitCode;

/// A test with its name.
pub type Test = (&'static str, fn() -> Result<()>);

/// A requirement of a test that this machine lacks. A test that returns it is ignored.
#[derive(Debug, Clone)]
pub struct Missing(pub String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// Names the tests of a module: `trials!(one, another);`.
#[macro_export]
macro_rules! trials {
    ($($name:ident),* $(,)?) => {
        pub const TRIALS: &[$crate::trials::Test] = &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*];
    };
}

/// Runs the tests with the arguments of a test program: filters, `--list`, `--ignored` and so on.
pub fn run(modules: &[&[Test]]) -> ExitCode {
    let trial = |&(name, test): &Test| {
        // The program's name is not part of a test's name.
        let name = name.split_once("::").map_or(name, |(_, name)| name);
        Trial::ignorable_test(name, move || match test() {
            Ok(()) => Ok(Completion::Completed),
            Err(error) => match error.downcast_ref::<Missing>() {
                Some(missing) => Ok(Completion::ignored_with(missing)),
                None => Err(Failed::from(format!("{error:#}"))),
            },
        })
    };
    let trials = modules.iter().flat_map(|tests| tests.iter()).map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Prints a measured value if the test program was started with `--nocapture`.
#[allow(dead_code, reason = "each test target uses its part")]
pub fn measured(line: &str) {
    if std::env::args().any(|argument| argument == "--nocapture") {
        println!("{line}");
    }
}
