//! Which names a file may choose.

use crate::catalog;
use crate::diagnostics::{Diagnostic, messages};
use crate::source::Span;

/// Words of the grammar, and of values.
const WORDS: [&str; 15] = [
    "model", "param", "preset", "observed", "latent", "given", "net", "p", "q", "bound", "from", "learned", "for",
    "true", "false",
];

/// What is wrong with a name, wherever it is defined.
pub(super) fn refuse(name: &str, span: Span) -> Option<Diagnostic> {
    let space = catalog::SPACES.iter().any(|entry| entry.name == name);
    (WORDS.contains(&name) || catalog::is_taken(name) || space).then(|| messages::name_taken(name, span))
}

/// What is wrong with the name of a parameter: it may be that of a block, for a number never stands where a block does.
pub(super) fn refuse_param(name: &str, span: Span) -> Option<Diagnostic> {
    let is_block = catalog::block(name).is_some();
    let is_other = catalog::distribution(name).is_some() || catalog::function(name).is_some();
    refuse(name, span).filter(|_| !is_block || is_other)
}
