//! Which names a file may choose.

use crate::catalog;
use crate::diagnostics::{Diagnostic, messages};
use crate::source::Span;

/// Words of the grammar, and of values.
const WORDS: [&str; 16] = [
    "model", "param", "preset", "observed", "latent", "given", "net", "p", "q", "bound", "from", "learned", "for",
    "true", "false", "past",
];

/// What is wrong with a name, wherever it is defined. That of a space is free: it stands behind a colon alone.
pub(super) fn refuse(name: &str, span: Span) -> Option<Diagnostic> {
    (WORDS.contains(&name) || catalog::is_taken(name)).then(|| messages::name_taken(name, span))
}

/// What is wrong with the name of a parameter: it may be that of a block, a distribution or a space, for a number never stands
/// where one of these does.
pub(super) fn refuse_param(name: &str, span: Span) -> Option<Diagnostic> {
    WORDS.contains(&name).then(|| messages::name_taken(name, span))
}
