//! Runs the program and reads its output.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[path = "../../../runtime/tests/toy/mod.rs"]
pub mod toy;

/// A temporary folder with the toy model's file.
pub struct Place {
    folder: tempfile::TempDir,
}

/// The output of a finished program.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("toy.pgm"), toy::SOURCE).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The program with these arguments, not yet started.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_toy"));
        command.args(arguments.split_whitespace()).current_dir(self.root());
        command
    }

    pub fn run(&self, arguments: &str) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// Runs and expects success. Returns the last line of standard output as JSON.
    pub fn json(&self, arguments: &str) -> serde_json::Value {
        let said = self.run(&format!("{arguments} --json"));
        assert_eq!(said.code, 0, "{arguments}: {}", said.err);
        serde_json::from_str(said.out.lines().last().unwrap_or_default()).unwrap()
    }

    /// Runs and expects one error with these words; standard output must be empty.
    pub fn fails(&self, arguments: &str, words: &[&str]) {
        let said = self.run(arguments);
        said.is_clear_error(arguments, words);
    }
}

impl Said {
    pub fn is_clear_error(&self, what: &str, words: &[&str]) {
        assert!(self.code == 1 || self.code == 2, "{what}: exit code {}\n{}", self.code, self.err);
        assert!(self.out.is_empty(), "{what}: {}", self.out);
        assert_eq!(self.err.matches("error").count().min(1), 1, "{what}: {}", self.err);
        for sign in ["panicked", "internal error", "RUST_BACKTRACE", "called `"] {
            assert!(!self.err.contains(sign), "{what}: {}", self.err);
        }
        for word in words {
            assert!(self.err.contains(word), "{what}: `{word}` is not in\n{}", self.err);
        }
    }
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// CIFAR-10 batches with `count` images each, small enough for a test.
pub fn cifar(folder: &Path, count: usize) {
    std::fs::create_dir_all(folder).unwrap();
    for name in ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"] {
        let bytes: Vec<u8> = (0..count * 3073)
            .map(|at| if at % 3073 == 0 { (at / 3073 % 10) as u8 } else { (at * 31 % 251) as u8 })
            .collect();
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}
