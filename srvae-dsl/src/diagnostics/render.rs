//! Prints diagnostics in rustc's format.

use super::{Diagnostic, MOST_ERRORS, Report, Severity};
use crate::source::{Source, Span};
use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use std::borrow::Cow;
use std::ops::Range;

/// Plain text or terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Coloured,
}

/// The maximum width of a message. Longer lines are cut around the place of the message.
const WIDTH: usize = 140;

/// The number of bytes of a line after the last place of a message that are read.
const BEHIND: usize = 1000;

/// The maximum size of the lines of a message, in bytes. Above this, only line and column are printed.
const LONGEST_LINES: usize = 1 << 19;

impl Report {
    /// All messages, a blank line between two.
    pub fn render(&self, style: Style) -> String {
        let shown = self.diagnostics.iter().take(MOST_ERRORS);
        let mut parts: Vec<_> = shown.map(|diagnostic| diagnostic.render(&self.source, style)).collect();
        if let Some(more) = self.diagnostics.len().checked_sub(MOST_ERRORS).filter(|&more| more > 0) {
            parts.push(format!("… and {more} more"));
        }
        parts.join("\n\n")
    }

    /// One text per error, for tools that show only the first line: place, title and code, then the source lines.
    pub fn placed(&self) -> Vec<String> {
        let errors = self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        let shown = errors.take(MOST_ERRORS).map(|diagnostic| {
            let path = &self.source.path;
            let place = match diagnostic.place().map(|span| self.source.position(span.start)) {
                Some(at) => format!("{path}:{}:{}", at.line, at.column),
                None => path.clone(),
            };
            let rendered = diagnostic.render(&self.source, Style::Plain);
            let lines = rendered.split_once('\n').map_or("", |(_, lines)| lines);
            format!("{place}: {} [{}]\n{lines}", diagnostic.title, diagnostic.code)
        });
        shown.collect()
    }
}

impl Diagnostic {
    /// The message with its source lines.
    pub fn render(&self, source: &Source, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = level.primary_title(self.title.as_str()).id(self.code).elements(Vec::<Element<'_>>::new());
        let origin = Origin::path(source.path.as_str());
        group = match self.lines(source) {
            None => group.element(origin),
            Some(lines) if lines.len() > LONGEST_LINES => {
                let place = source.position(self.place().unwrap_or_default().start);
                group.element(origin.line(place.line).char_column(place.column))
            }
            Some(lines) => group.element(self.snippet(source, lines)),
        };
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        if !self.hint.is_empty() {
            group = group.element(Level::HELP.message(self.hint.as_str()));
        }
        renderer.term_width(WIDTH).render(&[group])
    }

    /// The lines from the first to the last place, so that the cost does not depend on the size of the file.
    fn lines(&self, source: &Source) -> Option<Range<usize>> {
        let text = source.text.as_str();
        let all = self.labels.iter().map(|label| inside(text, label.span)).reduce(Span::to)?;
        let start = text[..all.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[all.end..].find('\n').map_or(text.len(), |newline| all.end + newline);
        Some(start..inside(text, Span::new(all.end, end.min(all.end + BEHIND))).end)
    }

    fn snippet<'a>(
        &'a self,
        source: &'a Source,
        lines: Range<usize>,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let (text, start) = (source.text.as_str(), lines.start);
        let annotations = self.labels.iter().map(|label| {
            let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let span = inside(text, label.span);
            kind.span(span.start - start..span.end - start).label(label.text.as_str())
        });
        let lines = &text[lines];
        let lines = if lines.contains('\r') { Cow::Owned(lines.replace('\r', " ")) } else { Cow::Borrowed(lines) };
        Snippet::source(lines)
            .line_start(source.position(start).line)
            .path(source.path.as_str())
            .annotations(annotations)
    }
}

/// The span limited to the text and to whole characters.
fn inside(text: &str, span: Span) -> Span {
    let whole = |mut offset: usize| {
        offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let start = whole(span.start);
    Span::new(start, whole(span.end).max(start))
}
