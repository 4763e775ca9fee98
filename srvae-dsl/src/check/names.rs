//! Which names a file may choose.

use crate::catalog;
use crate::diagnostics::{Diagnostic, messages};
use crate::source::Span;

/// Words of the grammar, and of values.
const WORDS: [&str; 15] = [
    "model", "param", "preset", "observed", "latent", "given", "net", "p", "q", "bound", "from", "learned", "index",
    "length", "for", "draw", "true", "false",
];

/// What is wrong with a name, wherever it is defined.
pub(super) fn refuse(name: &str, span: Span) -> Option<Diagnostic> {
    let space = catalog::SPACES.iter().any(|entry| entry.name == name);
    (WORDS.contains(&name) || catalog::is_taken(name) || space).then(|| messages::name_taken(name, span))
}
