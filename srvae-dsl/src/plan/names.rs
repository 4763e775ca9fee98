//! Allocates names in generated code, per scope, so that two items of one scope never share a name.

use std::collections::{BTreeMap, BTreeSet};

/// Names that a program's function uses itself.
pub const ARGUMENTS: [&str; 12] = [
    "count",
    "draw",
    "enumerations",
    "kept",
    "model",
    "noise",
    "number",
    "options",
    "records",
    "rows",
    "samples",
    "self",
];

/// Words that cannot be used as names in Rust, not even as raw identifiers.
const NO_NAMES: [&str; 5] = ["_", "Self", "crate", "self", "super"];

/// The names of one scope: a function, a struct, a module.
#[derive(Debug, Clone, Default)]
pub struct Names {
    taken: BTreeSet<String>,
    /// The last number appended to each requested name.
    last: BTreeMap<String, usize>,
}

impl Names {
    /// A scope in which these names are taken.
    pub fn with(taken: &[&str]) -> Self {
        Self { taken: taken.iter().map(|name| (*name).to_owned()).collect(), last: BTreeMap::new() }
    }

    /// The name, or the name with a number if it is taken.
    pub fn unique(&mut self, wanted: &str) -> String {
        let wanted = plain(wanted);
        let mut number = self.last.get(&wanted).copied().unwrap_or(0);
        let name = loop {
            number += 1;
            let name = if number == 1 { wanted.clone() } else { format!("{wanted}_{number}") };
            if !NO_NAMES.contains(&name.as_str()) && self.taken.insert(name.clone()) {
                break name;
            }
        };
        self.last.insert(wanted, number);
        name
    }

    /// A unique name of a local variable, in lower case, because a pattern in upper case may be a constant.
    pub fn local(&mut self, wanted: &str) -> String {
        self.unique(&wanted.to_lowercase())
    }

    /// A unique name of a type: `two_words` becomes `TwoWords`.
    pub fn camel(&mut self, wanted: &str) -> String {
        let capital = |word: &str| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        };
        let name: String = plain(wanted).split('_').map(capital).collect();
        match name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            true => self.unique(&name),
            false => self.unique(&format!("V{name}")),
        }
    }
}

/// `RE_x` as a field: `re_x`.
pub fn term_field(term: &str) -> String {
    let (kind, variable) = term.split_once('_').unwrap_or((term, ""));
    format!("{}_{}", kind.to_lowercase(), plain(variable))
}

/// A name with only letters, digits and `_`: `z[3]` and `z.3` become `z_3`.
fn plain(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    name.trim_end_matches(']').chars().map(letter).collect()
}
