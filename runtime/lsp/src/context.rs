//! What a word that is being typed would be: the text before it, closed in the shortest way that reads, is given to the
//! compiler's parser with a stand-in for the word, and the stand-in's place in the tree is the answer.

use crate::document::source;
use crate::walk::{Place, Scope, walk};
use srvae_dsl::ast::{File, Name};
use srvae_dsl::parse::read;

/// The stand-in. No file's names look like it.
const WORD: &str = "word_in_hand__";

/// What may follow the word, then what may follow the brackets that are open, until a statement reads.
const AFTER_WORD: [&str; 3] = ["", "[1]", " = x"];
const AFTER_BRACKETS: [&str; 2] = ["", " = elu"];

/// Text before the place that is looked at; statements are shorter.
const REACH: usize = 1 << 16;

/// The file as it would read with a word at `offset`, for [`Context::place`].
pub struct Context {
    file: File,
}

impl Context {
    /// None where no word is wanted: in a comment, in a string, or where nothing reads.
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

    /// Where the word stands.
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

/// Whether a name is the stand-in.
pub fn is_word(name: &Name) -> bool {
    name.text == WORD
}

/// Whether a statement begins at the place: nothing but the word itself stands before it in its line, in the first column.
pub fn begins_statement(text: &str, offset: usize) -> bool {
    let line = text[..offset].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line = text[line..offset].trim_start_matches('\u{feff}');
    line.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The start of a line, not too far before the place.
fn reach(text: &str, offset: usize) -> usize {
    let mut start = offset.saturating_sub(REACH);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    if start == 0 { 0 } else { text[start..offset].find('\n').map_or(offset, |at| start + at + 1) }
}

/// The brackets that close what is open at the end of a text; none where it ends in a comment or in a string.
///
/// A statement's first word in the first column closes all, as it does for the compiler.
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
