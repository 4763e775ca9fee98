//! Renames every word with the same meaning, provided that the meaning of the file does not change.

use crate::document::{Document, source};
use crate::index::{Index, Target};
use lsp_types::{Range, TextEdit};
use srvae_dsl::{Overrides, Severity, Span, compile};

/// The range of the word at a byte offset, if the file defines it.
pub fn prepare(document: &Document, offset: usize) -> Option<Range> {
    let word = document.index().at(offset)?;
    word.target.defined()?;
    Some(document.range(word.span))
}

/// The edits that rename the word at a byte offset.
///
/// # Errors
/// The reason for a refusal: a word of the language, or a name that would break the file or change the meaning of
/// another word.
pub fn rename(document: &Document, offset: usize, name: &str) -> Result<Vec<TextEdit>, String> {
    let index = document.index();
    let word = index.at(offset).ok_or("there is no name here")?;
    if word.target.defined().is_none() {
        let text = document.compilation().source().slice(word.span);
        return Err(match word.target {
            Target::Unknown => format!("`{text}` is not defined in this file"),
            _ => format!("`{text}` is a word of the language, not a name of this file"),
        });
    }
    // A statement that does not parse could contain the name too.
    if let Err(report) = srvae_dsl::parse(document.compilation().source()) {
        let first = report.diagnostics.first().map(|error| error.title.as_str()).unwrap_or_default();
        return Err(format!("a statement of this file does not read, and the name may stand in it: {first}"));
    }
    let spans: Vec<Span> = index.references(&word.target).map(|reference| reference.span).collect();
    sound(document, &spans, name)?;
    Ok(spans.into_iter().map(|span| TextEdit { range: document.range(span), new_text: name.to_owned() }).collect())
}

/// Checks that the edited file has no new error and that every word has the same definition.
fn sound(document: &Document, spans: &[Span], name: &str) -> Result<(), String> {
    let mut text = document.text().to_owned();
    for span in spans.iter().rev() {
        text.replace_range(span.range(), name);
    }
    let after = compile(&source(document.uri.as_str(), &text), &Overrides::default());
    let before = document.compilation();
    let errors = |compilation: &srvae_dsl::Compilation| {
        let diagnostics = compilation.diagnostics().iter();
        diagnostics.filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    };
    if errors(&after) > errors(before) {
        let codes: Vec<_> = before.diagnostics().iter().map(|diagnostic| diagnostic.code).collect();
        let new = after.diagnostics().iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        let new = new.clone().find(|diagnostic| !codes.contains(&diagnostic.code)).or(new.clone().next());
        return Err(new.map(|diagnostic| diagnostic.title.clone()).unwrap_or_default());
    }
    if Index::of(after.tree()).links() != document.index().links() {
        return Err(format!("another word of this file would come to mean `{name}`, or `{name}` something else"));
    }
    Ok(())
}
