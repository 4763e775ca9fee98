//! Escapes untrusted text for a terminal and for HTML: names of tensors, checkpoints and files, documentation of a
//! model file.

use std::borrow::Cow;
use std::fmt::Write;

/// The text without terminal control: control characters except line breaks and tabs, and characters that change the
/// writing direction, become `\u001b`, as in JSON, so that a line of JSON keeps its meaning.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, false)
}

/// Escapes text that the compiler has coloured. Sequences that only set colours are kept.
pub fn printable_in_colour(text: &str) -> Cow<'_, str> {
    escaped(text, true)
}

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn escaped(text: &str, colours: bool) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(steers) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(length) = colour(rest).filter(|_| colours) {
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        let Some(character) = rest.chars().next() else { break };
        // Writing to a string cannot fail.
        write!(out, "\\u{:04x}", u32::from(character)).ok();
        rest = &rest[character.len_utf8()..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn steers(character: char) -> bool {
    let turns =
        matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (character.is_control() && !matches!(character, '\n' | '\t'))
}

/// The length of a colour sequence at the beginning of `text`, if there is one.
fn colour(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("\u{1b}[")?;
    let end = inside.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    inside[end..].starts_with('m').then_some(2 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::{printable, printable_in_colour};

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        for (text, plain, coloured) in [
            ("RE_x ≥ 3\n\ttab", "RE_x ≥ 3\n\ttab", "RE_x ≥ 3\n\ttab"),
            ("a\u{1b}[2Jb", "a\\u001b[2Jb", "a\\u001b[2Jb"),
            ("\u{1b}[1;31mred\u{1b}[0m", "\\u001b[1;31mred\\u001b[0m", "\u{1b}[1;31mred\u{1b}[0m"),
            ("\u{1b}]0;title\u{7}\r", "\\u001b]0;title\\u0007\\u000d", "\\u001b]0;title\\u0007\\u000d"),
            ("\u{9b}31m\u{7f}", "\\u009b31m\\u007f", "\\u009b31m\\u007f"),
            ("exe\u{202e}gpj", "exe\\u202egpj", "exe\\u202egpj"),
            ("\u{1b}", "\\u001b", "\\u001b"),
            ("\u{1b}[31", "\\u001b[31", "\\u001b[31"),
        ] {
            assert_eq!(printable(text), plain);
            assert_eq!(printable_in_colour(text), coloured);
        }
        let json = serde_json::json!({ "name": "\u{9b}\u{202e}" }).to_string();
        let back: serde_json::Value = serde_json::from_str(&printable(&json)).unwrap();
        assert_eq!(back["name"], "\u{9b}\u{202e}");
    }
}
