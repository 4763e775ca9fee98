//! Writing to the terminal.
//!
//! What cannot be written to standard output never ends the work: files are written all the same, and [`delivered`] says at
//! the end that the result was lost.

use crate::printable::{printable, printable_in_colour};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;

/// Why standard output takes nothing more.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Lines that were not said, of a process whose company speaks for it.
static HELD: Mutex<Option<VecDeque<String>>> = Mutex::new(None);
/// So many of them are kept.
const KEPT: usize = 20;

/// From here on nothing is written: another process writes the same. What would have been said last is kept for [`held`].
pub fn mute() {
    *HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(VecDeque::new());
}

/// Whether another process speaks for this one.
pub fn is_mute() -> bool {
    HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_some()
}

/// What was not said last; from here on everything is.
pub fn held() -> Vec<String> {
    HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take().into_iter().flatten().collect()
}

/// Whether a line is held back.
fn holds(text: &str) -> bool {
    let mut held = HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some(lines) = held.as_mut() else { return false };
    if lines.len() == KEPT {
        lines.pop_front();
    }
    lines.push_back(text.to_owned());
    true
}

/// A line of the result, on standard output.
pub fn out(text: &str) {
    if is_mute() {
        return;
    }
    let mut lost = LOST.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if lost.is_some() {
        return;
    }
    let mut stdout = io::stdout().lock();
    *lost = writeln!(stdout, "{}", printable(text)).and_then(|()| stdout.flush()).err();
}

/// Whether everything that was meant for standard output has reached it.
///
/// # Errors
/// The first failure: a full disk, or of kind `BrokenPipe` a reader that has gone away (`srvae-run … | head`).
pub fn delivered() -> io::Result<()> {
    let mut lost = LOST.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match lost.take() {
        Some(reason) => Err(reason),
        None => io::stdout().flush(),
    }
}

/// Whether a failure of standard output is a reader that has read enough.
pub fn has_gone(reason: &io::Error) -> bool {
    reason.kind() == ErrorKind::BrokenPipe
}

/// A line about the work, on standard error; where nobody can read it, it is lost.
pub fn note(text: &str) {
    if holds(text) {
        return;
    }
    writeln!(std::io::stderr().lock(), "{}", printable(text)).ok();
}

/// The same for a message of the compiler, with its colours.
pub fn note_in_colour(text: &str) {
    writeln!(std::io::stderr().lock(), "{}", printable_in_colour(text)).ok();
}

/// A table with its columns aligned: the first to the left, the others to the right.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |text: &String| text.chars().count();
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (text, &width))| {
            if column == 0 { format!("{text:<width$}") } else { format!("{text:>width$}") }
        });
        format!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
