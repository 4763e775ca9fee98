//! Progress of training, on standard error.

use crate::terminal::{is_mute, note};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// The interval between lines without a terminal.
const QUIET: Duration = Duration::from_secs(30);

/// A progress bar on a terminal, a line from time to time elsewhere.
#[derive(Debug)]
pub struct Display {
    bar: ProgressBar,
    terminal: bool,
    said: Cell<Instant>,
}

impl Display {
    /// Shows the progress of `what` from `done` to `total`.
    pub fn new(what: &str, done: usize, total: usize) -> Self {
        let terminal = std::io::stderr().is_terminal() && !is_mute();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.set_position(done as u64);
        // Steps of an earlier process do not affect the estimated time.
        bar.reset_eta();
        Self { bar, terminal, said: Cell::new(Instant::now()) }
    }

    pub fn set(&self, done: usize, message: String) {
        self.bar.set_position(done as u64);
        if !self.terminal && self.said.get().elapsed() >= QUIET {
            let message = if message.is_empty() { message } else { format!(": {message}") };
            self.line(&format!("{} {done} of {}{message}", self.bar.prefix(), self.bar.length().unwrap_or(0)));
            return;
        }
        self.bar.set_message(message);
    }

    /// Sets the progress and the total.
    pub fn of(&self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.set(done, String::new());
    }

    /// Prints a permanent line.
    pub fn line(&self, text: &str) {
        self.said.set(Instant::now());
        if self.terminal {
            self.bar.suspend(|| note(text));
        } else {
            note(text);
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
