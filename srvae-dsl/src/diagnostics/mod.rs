//! Errors and warnings: their texts ([`messages`]), their data, and how they are printed.
//!
//! Errors accumulate within a phase, and a phase with errors ends the compilation. A phase pushes its diagnostics into
//! a `Findings` and ends with one `Findings::finish`.

mod encoding;
mod limits;
pub mod messages;
mod render;
mod suggest;

pub use limits::{
    LARGEST_FILE, LONGEST_STATEMENT, MOST_BLOCKS, MOST_ENTRIES, MOST_ERRORS, MOST_NAMES, MOST_NESTING, MOST_NETS,
    MOST_OPERATORS, MOST_STEP_BLOCKS, MOST_VALUES,
};
pub use render::Style;
pub(crate) use suggest::closest;

use crate::source::{Source, Span};
use std::collections::BTreeSet;

/// One error or warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// `E0101`, `W0601`.
    pub code: &'static str,
    pub severity: Severity,
    /// One sentence, without a final period.
    pub title: String,
    /// The places involved. None if the error is not in the file (a setting or a preset on the command line).
    pub labels: Vec<Label>,
    pub notes: Vec<String>,
    /// A suggestion for the fix.
    pub hint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// A place and the text for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
    /// Whether this is the place of the message. Other labels explain it.
    pub primary: bool,
}

impl Diagnostic {
    fn new(code: &'static str, severity: Severity, title: impl Into<String>) -> Self {
        Self { code, severity, title: title.into(), labels: Vec::new(), notes: Vec::new(), hint: String::new() }
    }

    pub(crate) fn error(code: &'static str, title: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, title)
    }

    pub(crate) fn warning(code: &'static str, title: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, title)
    }

    #[must_use]
    pub(crate) fn at(self, span: Span, text: impl Into<String>) -> Self {
        self.label(span, text, true)
    }

    #[must_use]
    pub(crate) fn and(self, span: Span, text: impl Into<String>) -> Self {
        self.label(span, text, false)
    }

    fn label(mut self, span: Span, text: impl Into<String>, primary: bool) -> Self {
        self.labels.push(Label { span, text: text.into(), primary });
        self
    }

    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The primary place, for sorting and for the header line.
    pub fn place(&self) -> Option<Span> {
        self.labels.iter().find(|label| label.primary).or(self.labels.first()).map(|label| label.span)
    }
}

/// The diagnostics of a phase.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub diagnostics: Vec<Diagnostic>,
}

impl Findings {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Ends a phase: an error if the phase found one. Warnings are kept.
    pub(crate) fn finish(&mut self, source: &Source) -> Result<(), Report> {
        if self.has_errors() {
            return Err(Report::new(source, std::mem::take(&mut self.diagnostics)));
        }
        Ok(())
    }
}

/// Errors and warnings of one file, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub source: Box<Source>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub fn new(source: &Source, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(Diagnostic::place);
        diagnostics.dedup();
        // A statement about a family has the same error at each member, so only the first one is kept. An error of
        // another preset has another note.
        let mut seen = BTreeSet::new();
        diagnostics.retain(|it| it.labels.is_empty() || seen.insert((it.code, it.place(), it.notes.clone())));
        Self { source: Box::new(source.clone()), diagnostics }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.render(Style::Plain))
    }
}

impl std::error::Error for Report {}
