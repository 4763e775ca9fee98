//! Positions in a text as in the protocol: lines from 0, columns in UTF-16 code units from 0.

use lsp_types::{Position, Range};
use srvae_dsl::Span;

/// The starts of the lines of a text. A line ends with LF, CRLF or CR.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        let starts = (0..bytes.len()).filter(ends).map(|at| at + 1);
        Self { starts: std::iter::once(0).chain(starts).collect() }
    }

    /// The byte offset of a position. A column beyond the line's end is the end of the line, and a line beyond the last
    /// the end of the text.
    pub fn offset(&self, text: &str, position: Position) -> usize {
        let line = position.line as usize;
        let Some(&start) = self.starts.get(line) else { return text.len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let content = text[start..end].trim_end_matches(['\r', '\n']);
        let mut units = 0;
        for (at, c) in content.char_indices() {
            // A column inside a surrogate pair refers to the whole character.
            if units + c.len_utf16() > position.character as usize {
                return start + at;
            }
            units += c.len_utf16();
        }
        start + content.len()
    }

    /// The position of a byte offset. An offset beyond the end is the end of the text.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let column: usize = text[start..offset].chars().map(char::len_utf16).sum();
        Position { line: count(line), character: count(column) }
    }

    pub fn range(&self, text: &str, span: Span) -> Range {
        Range { start: self.position(text, span.start), end: self.position(text, span.end) }
    }
}

/// The compiler accepts files of at most 16 MiB, so every number fits.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn columns_count_utf_16_units() {
        let text = "é😀x\ny";
        let lines = Lines::of(text);
        assert_eq!(lines.offset(text, at(0, 3)), "é😀".len());
        assert_eq!(lines.position(text, "é😀".len()), at(0, 3));
        // Inside the pair, beyond the line, beyond the text.
        assert_eq!(lines.offset(text, at(0, 2)), "é".len());
        assert_eq!(lines.offset(text, at(0, 99)), "é😀x".len());
        assert_eq!(lines.offset(text, at(9, 0)), text.len());
        assert_eq!(lines.position(text, 99), at(1, 1));
    }

    #[test]
    fn every_line_ending_ends_a_line() {
        let text = "a\r\nb\rc\n";
        let lines = Lines::of(text);
        assert_eq!(lines.offset(text, at(0, 9)), 1);
        assert_eq!(lines.offset(text, at(1, 0)), 3);
        assert_eq!(lines.offset(text, at(2, 0)), 5);
        assert_eq!(lines.position(text, 7), at(3, 0));
    }

    #[test]
    fn an_empty_text_has_one_place() {
        assert_eq!(Lines::of("").offset("", at(3, 4)), 0);
        assert_eq!(Lines::of("").position("", 7), at(0, 0));
    }
}
