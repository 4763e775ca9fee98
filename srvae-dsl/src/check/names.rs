//! Valid names of a file.

use super::Checker;
use crate::ast::Name;
use crate::catalog;
use crate::diagnostics::{Diagnostic, messages};
use crate::graph::member;
use crate::source::Span;

/// Keywords of the grammar and names of values.
const WORDS: [&str; 16] = [
    "model", "param", "preset", "observed", "latent", "given", "net", "p", "q", "bound", "from", "learned", "for",
    "true", "false", "past",
];

/// The error for a name that is reserved. Names of spaces are allowed, because a space occurs only after a colon.
pub(super) fn refuse(name: &str, span: Span) -> Option<Diagnostic> {
    (WORDS.contains(&name) || catalog::is_taken(name)).then(|| messages::name_taken(name, span))
}

/// The error for a parameter's name. Names of blocks, distributions and spaces are allowed, because a number never
/// occurs where one of these may.
pub(super) fn refuse_param(name: &str, span: Span) -> Option<Diagnostic> {
    WORDS.contains(&name).then(|| messages::name_taken(name, span))
}

impl Checker<'_> {
    /// The error for a name that is not a variable's. `reader` is the side and the variable of the factor that reads it.
    pub(super) fn no_variable(&self, name: &Name, reader: Option<(&str, &str)>) -> Diagnostic {
        let error = self.family_alone(name).or_else(|| self.after_the_end(name));
        error.unwrap_or_else(|| messages::unknown_variable(&name.text, name.span, reader, self.variable_names()))
    }

    /// The error for a step after the last one of a family over the length, which no record has.
    fn after_the_end(&self, name: &Name) -> Option<Diagnostic> {
        let (family, value) = member(&name.text)?;
        let steps = self.families.get(family)?.all().filter_map(|id| self.variable(id).step);
        let last = i64::try_from(steps.max()?).ok()?;
        (value > last).then(|| messages::reads_padding(&name.text, messages::PaddingRemedy::Backward, name.span))
    }

    /// The error for the name of a family without an index.
    pub(super) fn family_alone(&self, name: &Name) -> Option<Diagnostic> {
        self.references.get(&name.text).map(|family| family.missing(name))
    }
}
