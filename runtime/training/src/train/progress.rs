//! What a person sees of training, on standard error.

use crate::terminal::note;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// A bar on a terminal, a line now and then elsewhere.
#[derive(Debug)]
pub struct Display {
    bar: ProgressBar,
    terminal: bool,
}

impl Display {
    /// `what` goes from `done` to `total`.
    pub fn new(what: &str, done: usize, total: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.set_position(done as u64);
        // Steps before this start say nothing about the speed of those to come.
        bar.reset_eta();
        Self { bar, terminal }
    }

    pub fn set(&self, done: usize, message: String) {
        self.bar.set_position(done as u64);
        self.bar.set_message(message);
    }

    /// So many of so many, where the total shows on the way.
    pub fn of(&self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
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
