//! Phrases that messages share.

use super::elsewhere::{Rows, meaning};
use crate::diagnostics::closest;
use crate::graph::in_ranges;

/// `a`, `b`, `c`
pub(super) fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// `no arguments`, `1 argument`, `2 arguments`
pub(super) fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// What an unknown name may mean: by its meaning, then by its spelling, otherwise all known names.
pub(super) fn meant<'a>(
    rows: &Rows,
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
    otherwise: &str,
) -> String {
    meaning(rows, word, known.clone()).unwrap_or_else(|| did_you_mean(word, known, what, otherwise))
}

/// The known name closest to an unknown one, otherwise all known names.
pub(super) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
    otherwise: &str,
) -> String {
    if let Some(meant) = closest(word, known.clone()) {
        return format!("did you mean `{meant}`?");
    }
    let mut listed = in_ranges(known.into_iter());
    if listed.is_empty() {
        return otherwise.to_owned();
    }
    let rest = listed.len().saturating_sub(MOST_LISTED);
    listed.truncate(MOST_LISTED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{what}: {}{more}", quoted(listed.iter().map(String::as_str)))
}

/// Names listed in a hint.
const MOST_LISTED: usize = 24;
