//! Which names a file may choose.

use crate::catalog;
use crate::diagnostics::{Diagnostic, messages};
use crate::graph::Variable;
use crate::source::Span;
use std::collections::BTreeMap;

/// Words of the grammar, and of values.
const WORDS: [&str; 13] =
    ["model", "param", "preset", "observed", "latent", "given", "net", "p", "q", "bound", "from", "true", "false"];

/// Types that generated code has of its own.
const TYPES: [&str; 12] = [
    "Bound",
    "Config",
    "Generation",
    "Model",
    "Noise",
    "Params",
    "Reconstruction",
    "Result",
    "Self",
    "Settings",
    "Tensor",
    "Terms",
];

/// What is wrong with a name, wherever it is defined.
pub(super) fn refuse(name: &str, span: Span) -> Option<Diagnostic> {
    let space = catalog::SPACES.iter().any(|entry| entry.name == name);
    if WORDS.contains(&name) || catalog::is_taken(name) || space {
        return Some(messages::name_taken(name, span));
    }
    let is_plain = syn::parse_str::<syn::Ident>(name).is_ok() && name != "_";
    (!is_plain).then(|| messages::rust_keyword(name, span))
}

/// Variables whose types in generated code would have the name of another type.
pub(super) fn same_types(variables: &[Variable]) -> Vec<Diagnostic> {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for name in TYPES {
        taken.insert(name.to_owned(), "the generated code".to_owned());
    }
    let mut found = Vec::new();
    for variable in variables {
        let own = camel(&variable.name);
        if let Some(other) = taken.get(&own) {
            found.push(messages::same_type(&variable.name, variable.span, &own, other));
        }
        for (prefix, what) in [("", "the variable"), ("P", "the factor of p of"), ("Q", "the factor of q of")] {
            taken.entry(format!("{prefix}{own}")).or_insert_with(|| format!("{what} `{}`", variable.name));
        }
    }
    found
}

/// `two_words` as a Rust type: `TwoWords`.
pub(super) fn camel(name: &str) -> String {
    let capitalise = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
    };
    name.split('_').map(capitalise).collect()
}
