//! Output to the terminal.
//!
//! A failure of standard output never ends the work. Files are still written, and [`delivered`] reports at the end that
//! the output was lost.

use crate::printable::{printable, printable_in_colour};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;

/// The error of standard output, after a failure.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Suppressed lines of a process for which another one prints.
static HELD: Mutex<Option<VecDeque<String>>> = Mutex::new(None);
/// The maximum number of kept lines.
const KEPT: usize = 20;

/// Suppresses output from here on, because another process prints the same. The last lines are kept for [`held`].
pub fn mute() {
    *HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(VecDeque::new());
}

/// Whether another process prints for this one.
pub fn is_mute() -> bool {
    HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_some()
}

/// The last suppressed lines. Output is printed from here on.
pub fn held() -> Vec<String> {
    HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take().into_iter().flatten().collect()
}

/// Suppresses a line if output is suppressed.
fn holds(text: &str) -> bool {
    let mut held = HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some(lines) = held.as_mut() else { return false };
    if lines.len() == KEPT {
        lines.pop_front();
    }
    lines.push_back(text.to_owned());
    true
}

/// Prints a line of the result, to standard output.
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

/// Whether all output to standard output was written.
///
/// # Errors
/// The first failure: a full disk, or of kind `BrokenPipe` for a closed pipe (`srvae-run … | head`).
pub fn delivered() -> io::Result<()> {
    let mut lost = LOST.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match lost.take() {
        Some(reason) => Err(reason),
        None => io::stdout().flush(),
    }
}

/// Whether a failure of standard output is a closed pipe.
pub fn has_gone(reason: &io::Error) -> bool {
    reason.kind() == ErrorKind::BrokenPipe
}

/// Prints a line about the work, to standard error. Failures are ignored.
pub fn note(text: &str) {
    if holds(text) {
        return;
    }
    writeln!(std::io::stderr().lock(), "{}", printable(text)).ok();
}

/// Prints a message of the compiler with its colours.
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
