//! The syntactic role of a word that is being typed. The text before it, completed with a placeholder and the shortest
//! valid ending, is parsed by the compiler, and the placeholder's position in the tree gives the role.

use crate::document::source;
use crate::walk::{Place, Scope, walk};
use srvae_dsl::ast::{File, Name};
use srvae_dsl::parse::read;

/// The placeholder, which no file contains.
const WORD: &str = "word_in_hand__";

/// Endings to try after the word, before closing the open brackets, until a statement parses.
const AFTER_WORD: [&str; 3] = ["", "[1]", " = x"];
const AFTER_BRACKETS: [&str; 2] = ["", " = elu"];

/// The amount of text before the place that is considered; statements are shorter.
const REACH: usize = 1 << 16;

/// The file as if there were a word at `offset`, for [`Context::place`].
pub struct Context {
    file: File,
}

impl Context {
    /// None in a comment, in a string, or where nothing parses.
    pub fn at(text: &str, offset: usize) -> Option<Self> {
        let before = &text[reach(text, offset)..offset];
        let before = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let closers = closers(before)?;
        for after_brackets in AFTER_BRACKETS {
            for after_word in AFTER_WORD {
                let whole = format!("{before}{WORD}{after_word}{closers}{after_brackets}\n");
                let (file, _) = read(&source("", &whole));
                let context = Self { file };
                if context.place().is_some() {
                    return Some(context);
                }
            }
        }
        None
    }

    /// The role of the word.
    pub fn place(&self) -> Option<(Place<'_>, Scope<'_>)> {
        let mut found = None;
        walk(&self.file, &mut |name, place, scope| {
            if is_word(name) {
                found = Some((place, scope));
            }
        });
        found
    }
}

/// Whether a name is the placeholder.
pub fn is_word(name: &Name) -> bool {
    name.text == WORD
}

/// Whether a statement begins here: only the word itself is before the place in its line, from the first column.
pub fn begins_statement(text: &str, offset: usize) -> bool {
    let line = text[..offset].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line = text[line..offset].trim_start_matches('\u{feff}');
    line.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The start of a line, at a limited distance before the place.
fn reach(text: &str, offset: usize) -> usize {
    let mut start = offset.saturating_sub(REACH);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    if start == 0 { 0 } else { text[start..offset].find('\n').map_or(offset, |at| start + at + 1) }
}

/// The brackets that close the open ones at the end of a text. None if it ends in a comment or a string.
///
/// A keyword of a statement in the first column closes all brackets, as in the compiler.
fn closers(text: &str) -> Option<String> {
    let mut open = Vec::new();
    for line in text.split_inclusive(['\n', '\r']) {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            open.clear();
        }
        let mut in_string = false;
        let mut comment = false;
        for (at, c) in line.char_indices() {
            match c {
                '"' => in_string = !in_string,
                _ if in_string => {}
                '/' if line[at..].starts_with("//") => {
                    comment = !line.ends_with(['\n', '\r']);
                    break;
                }
                '(' => open.push(')'),
                '[' => open.push(']'),
                '{' => open.push('}'),
                ')' | ']' | '}' => drop(open.pop()),
                _ => {}
            }
        }
        if comment || (in_string && !line.ends_with(['\n', '\r'])) {
            return None;
        }
    }
    Some(open.into_iter().rev().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> String {
        let context = Context::at(text, text.len());
        let place = context.as_ref().and_then(Context::place);
        place.map_or_else(String::new, |(place, _)| format!("{place:?}").split([' ', '(']).next().unwrap().to_owned())
    }

    #[test]
    fn half_written_statements_say_what_is_wanted() {
        let head = "model m\nobserved x: real[4]\n";
        for (text, wanted) in [
            ("latent z: re", "SpaceName"),
            ("latent z: real[wid", "Size"),
            ("p(", "FactorVariable"),
            ("p(x | ", "FactorParent"),
            ("p(x | z, ", "FactorParent"),
            ("p(x | z) = no", "Base"),
            ("p(x) = normal |> ", "Flow"),
            ("p(x | z) = normal from ", "Value"),
            ("p(x | z) = normal from z |> ", "Stage"),
            ("p(x | z) = normal from concat(z |> elu,\n   ", "Argument"),
            ("p(x | z) = normal from z |> linear(o", "Argument"),
            ("p(x | z) = normal from z |> linear(out: ", "Argument"),
            ("preset quick { wi", "PresetParam"),
            ("preset quick { width = 3, wi", "PresetParam"),
            ("bound K", "BoundTerm"),
            ("bound KL_z = ", "BoundEstimator"),
            ("net f(h) = h |> ", "Stage"),
            ("net f(h: ", "SpaceName"),
            ("// a comment ", ""),
            ("net f(h: real[1]) -> real[1] = rust \"crate::", ""),
        ] {
            assert_eq!(place(&format!("{head}{text}")), wanted, "{text}");
        }
    }

    #[test]
    fn a_forgotten_bracket_does_not_reach_the_next_statement() {
        assert_eq!(place("p(x | z = normal from concat(\np(x | z) = normal from z |> "), "Stage");
    }
}
