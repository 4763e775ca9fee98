//! The compiler's messages in the form of the protocol.

use crate::document::Document;
use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, PublishDiagnosticsParams,
};
use srvae_dsl::diagnostics::MOST_ERRORS;
use srvae_dsl::{Severity, Span};

/// The diagnostics of a file, up to [`MOST_ERRORS`].
pub fn diagnostics(document: &Document) -> PublishDiagnosticsParams {
    let all = document.compilation().diagnostics();
    let mut diagnostics: Vec<_> = all.iter().take(MOST_ERRORS).map(|found| of(document, found)).collect();
    if let (Some(more), Some(last)) = (all.len().checked_sub(MOST_ERRORS + 1), diagnostics.last_mut()) {
        last.message += &format!("\n… and {} more in this file", more + 1);
    }
    PublishDiagnosticsParams { uri: document.uri.clone(), diagnostics, version: Some(document.version) }
}

/// The empty list for a closed file.
pub fn none(document: &Document) -> PublishDiagnosticsParams {
    PublishDiagnosticsParams { uri: document.uri.clone(), diagnostics: Vec::new(), version: None }
}

fn of(document: &Document, found: &srvae_dsl::Diagnostic) -> Diagnostic {
    let place = found.labels.iter().find(|label| label.primary).or(found.labels.first());
    let mut message = found.title.clone();
    if let Some(label) = place.filter(|label| !label.text.is_empty()) {
        message += &format!("\n{}", label.text);
    }
    for note in &found.notes {
        message += &format!("\nnote: {note}");
    }
    if !found.hint.is_empty() {
        message += &format!("\nhelp: {}", found.hint);
    }
    let others = found.labels.iter().filter(|label| place.is_none_or(|place| *label != place));
    let related: Vec<_> = others
        .map(|label| DiagnosticRelatedInformation {
            location: Location { uri: document.uri.clone(), range: document.range(label.span) },
            message: label.text.clone(),
        })
        .collect();
    Diagnostic {
        range: document.range(place.map_or(Span::new(0, 0), |label| label.span)),
        severity: Some(match found.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(found.code.to_owned())),
        source: Some("srvae".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        ..Diagnostic::default()
    }
}
