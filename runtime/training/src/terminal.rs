//! Writing to the terminal. A reader that has gone away (`srvae-run … | head`) ends the program quietly.

use crate::printable::{printable, printable_in_colour};
use std::io::{ErrorKind, Write};

/// A line of the result, on standard output.
pub fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    if let Err(reason) = writeln!(stdout, "{}", printable(text)).and_then(|()| stdout.flush())
        && reason.kind() == ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

/// A line about the work, on standard error; where nobody can read it, it is lost.
pub fn note(text: &str) {
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
