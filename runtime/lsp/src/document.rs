//! An open file: its text in the editor and its compilation.

use crate::index::Index;
use crate::text::Lines;
use lsp_types::{Position, Range, TextDocumentContentChangeEvent, Uri};
use srvae_dsl::{Compilation, Overrides, Source, Span, compile};
use std::cell::OnceCell;

/// A file that is open in the editor. It is compiled at the first request after a change.
#[derive(Debug)]
pub struct Document {
    pub uri: Uri,
    pub version: i32,
    text: String,
    lines: Lines,
    compilation: OnceCell<Compilation>,
    index: OnceCell<Index>,
}

impl Document {
    pub fn new(uri: Uri, version: i32, text: String) -> Self {
        let lines = Lines::of(&text);
        Self { uri, version, text, lines, compilation: OnceCell::new(), index: OnceCell::new() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Applies changes in order. A change without a range replaces the whole text.
    pub fn change(&mut self, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        for change in changes {
            match change.range {
                Some(range) => {
                    let (start, end) = (self.offset(range.start), self.offset(range.end));
                    self.text.replace_range(start.min(end)..end.max(start), &change.text);
                }
                None => self.text = change.text,
            }
            self.lines = Lines::of(&self.text);
        }
        self.version = version;
        (self.compilation, self.index) = (OnceCell::new(), OnceCell::new());
    }

    pub fn compilation(&self) -> &Compilation {
        self.compilation.get_or_init(|| compile(&source(self.uri.as_str(), &self.text), &Overrides::default()))
    }

    pub fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(self.compilation().tree()))
    }

    pub fn offset(&self, position: Position) -> usize {
        self.lines.offset(&self.text, position)
    }

    pub fn range(&self, span: Span) -> Range {
        self.lines.range(&self.text, span)
    }

    /// The whole text.
    pub fn full_range(&self) -> Range {
        self.range(Span::new(0, self.text.len()))
    }
}

/// The text as input of the compiler, with the same byte offsets: a byte order mark is replaced by spaces.
pub fn source(path: &str, text: &str) -> Source {
    let mark = '\u{feff}';
    let text = match text.strip_prefix(mark) {
        Some(rest) => " ".repeat(mark.len_utf8()) + rest,
        None => text.to_owned(),
    };
    Source { path: path.to_owned(), text }
}
