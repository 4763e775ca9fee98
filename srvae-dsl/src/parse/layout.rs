//! Divides a file into statements, so that the grammar parses one at a time.
//!
//! A line break ends a statement, except inside brackets, after a token that needs a continuation (`=`, `|>`, `,`,
//! `from`, …), or before a line that continues (`|>`, `from`, `+`). This is one pass over the characters, without recursion.
//! It limits the nesting of brackets, over which later passes recurse.

use crate::ast::{Comment, Doc};
use crate::diagnostics::{Findings, MOST_NESTING, messages};
use crate::source::Span;

pub(super) struct Layout {
    /// The text with comments replaced by spaces of the same length in bytes.
    pub code: String,
    pub statements: Vec<Statement>,
    pub comments: Vec<Comment>,
    /// Documentation comments that no statement follows.
    pub stray_docs: Vec<Doc>,
    /// The file is too damaged to report on single statements.
    pub hopeless: bool,
}

pub(super) struct Statement {
    pub docs: Vec<Doc>,
    /// From its first token to its last.
    pub span: Span,
}

/// Words that can only begin a statement. At the start of a line they end a statement with an unclosed bracket.
const STARTERS: [&str; 17] = [
    "model",
    "param",
    "preset",
    "index",
    "length",
    "checkpoint",
    "observed",
    "partly",
    "latent",
    "global",
    "given",
    "net",
    "let",
    "flow",
    "bound",
    "draw",
    "weight",
];

pub(super) fn lay_out(text: &str, findings: &mut Findings) -> Layout {
    let mut scanner = Scanner {
        text,
        code: text.as_bytes().to_vec(),
        findings,
        layout: Layout {
            code: String::new(),
            statements: Vec::new(),
            comments: Vec::new(),
            stray_docs: Vec::new(),
            hopeless: false,
        },
        docs: Vec::new(),
        brackets: Vec::new(),
        current: None,
        abandoned: Vec::new(),
        line_broken: true,
    };
    scanner.run();
    let Scanner { code, mut layout, .. } = scanner;
    // Only whole comments were replaced, each from a `/` to the end of a line.
    layout.code = String::from_utf8(code).unwrap_or_default();
    layout
}

struct Scanner<'a> {
    text: &'a str,
    code: Vec<u8>,
    findings: &'a mut Findings,
    layout: Layout,
    docs: Vec<Doc>,
    /// Open brackets with their places.
    brackets: Vec<(char, usize)>,
    /// The current statement.
    current: Option<Open>,
    /// Open brackets of statements that do not begin with a keyword.
    abandoned: Vec<char>,
    /// Whether there was a line break since the last token.
    line_broken: bool,
}

/// A statement that has not ended yet.
struct Open {
    docs: Vec<Doc>,
    span: Span,
    /// Whether its last token needs a continuation.
    wants_more: bool,
}

impl Scanner<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while let Some(c) = self.text[at..].chars().next() {
            if self.layout.hopeless {
                return;
            }
            at = match c {
                '\n' => {
                    self.line_broken = true;
                    at + 1
                }
                _ if c.is_whitespace() => at + c.len_utf8(),
                '/' if self.text[at..].starts_with("//") => self.comment(at),
                _ if c.is_control() => {
                    self.findings.push(messages::control_character(c, Span::new(at, at + c.len_utf8())));
                    self.layout.hopeless = true;
                    return;
                }
                _ => self.token(at, c),
            };
        }
        self.end_statement();
        self.layout.stray_docs = std::mem::take(&mut self.docs);
    }

    /// Reads a comment, and returns where it ends.
    fn comment(&mut self, at: usize) -> usize {
        let line = &self.text[at..];
        let line = line[..line.find('\n').unwrap_or(line.len())].trim_end();
        let span = Span::new(at, at + line.len());
        self.code[span.range()].fill(b' ');
        let between = self.line_broken && self.brackets.is_empty() && !self.goes_on(span.end);
        let is_doc = line.starts_with("///") && !line.starts_with("////");
        if is_doc && between {
            self.end_statement();
            let text = line[3..].strip_prefix(' ').unwrap_or(&line[3..]);
            self.docs.push(Doc { text: text.to_owned(), span });
        } else {
            self.layout.comments.push(Comment { text: line.to_owned(), span });
        }
        span.end
    }

    /// Reads a token, and returns where it ends.
    fn token(&mut self, at: usize, c: char) -> usize {
        let end = self.token_end(at, c);
        let token = &self.text[at..end];
        if self.line_broken {
            self.begin_line(token, end);
        }
        self.line_broken = false;
        if self.brackets.is_empty() && self.abandoned.last().is_some_and(|open| partner(*open) == c) {
            // The end of a loop or block that the language does not have; its beginning was reported.
            self.abandoned.pop();
            return end;
        }
        match c {
            '(' | '[' | '{' => self.open(c, at),
            ')' | ']' | '}' => self.close(c, at),
            '"' if !token.ends_with('"') || token.len() == 1 => {
                self.findings.push(messages::unterminated_string(Span::new(at, end)));
            }
            _ => {}
        }
        let docs = &mut self.docs;
        let current = self.current.get_or_insert_with(|| Open {
            docs: std::mem::take(docs),
            span: Span::new(at, end),
            wants_more: false,
        });
        current.span.end = end;
        current.wants_more =
            matches!(token, "=" | "|>" | "|" | "," | ":" | "->" | "+" | "-" | "*" | "/" | "from" | "for");
        end
    }

    fn token_end(&self, at: usize, c: char) -> usize {
        let rest = &self.text[at..];
        let is_letter = |c: char| c.is_alphanumeric() || c == '_';
        let length = match c {
            '"' => {
                rest[1..].find(['"', '\n']).map(|end| if rest[1 + end..].starts_with('"') { end + 2 } else { end + 1 })
            }
            _ if is_letter(c) => rest.find(|c| !is_letter(c)),
            _ if rest.starts_with("|>") || rest.starts_with("->") => Some(2),
            _ => Some(c.len_utf8()),
        };
        at + length.unwrap_or(rest.len())
    }

    /// The first token of a line: decides whether it ends the statement before it.
    fn begin_line(&mut self, token: &str, end: usize) {
        let wants_more = self.current.as_ref().is_some_and(|current| current.wants_more);
        let is_indented = self.text[..end - token.len()].ends_with([' ', '\t']);
        let is_clause =
            matches!(token, "|>" | "from" | "where" | "+" | "-" | "*" | "/") || (token == "for" && is_indented);
        let goes_on = !self.brackets.is_empty() || wants_more || is_clause;
        if !goes_on || self.starts_statement(token, end) {
            self.end_statement();
        }
    }

    /// Whether a token at the start of a line can only begin a statement, whatever comes before it.
    fn starts_statement(&self, token: &str, end: usize) -> bool {
        let rest = self.text[end..].trim_start_matches([' ', '\t']);
        let word = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())];
        // A network or a flow of such a name may be the end of a factor's distribution.
        let word_follows = !word.is_empty() && !matches!(word, "from" | "for" | "where");
        (STARTERS.contains(&token) && word_follows) || (matches!(token, "p" | "q") && rest.starts_with('('))
    }

    /// Whether the statement continues after comments and line breaks. The comments are then inside it.
    fn goes_on(&self, from: usize) -> bool {
        if self.current.is_none() {
            return false;
        }
        if self.current.as_ref().is_some_and(|current| current.wants_more) {
            return true;
        }
        // Consecutive comments are skipped again for each of them; the limit keeps the pass linear.
        let mut rest = self.text[from..].trim_start();
        for _ in 0..64 {
            if !rest.starts_with("//") {
                break;
            }
            rest = rest.find('\n').map_or("", |newline| rest[newline..].trim_start());
        }
        let word_ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let word = |word: &str| rest.strip_prefix(word).is_some_and(word_ends);
        rest.starts_with("|>") || rest.starts_with(['+', '-', '*', '/']) || word("from") || word("where")
    }

    fn open(&mut self, bracket: char, at: usize) {
        self.brackets.push((bracket, at));
        if self.brackets.len() > MOST_NESTING {
            self.findings.push(messages::too_deep(Span::new(at, at + 1)));
            self.layout.hopeless = true;
        }
    }

    fn close(&mut self, bracket: char, at: usize) {
        let span = Span::new(at, at + 1);
        match self.brackets.pop() {
            None => self.findings.push(messages::unmatched_bracket(bracket, span)),
            Some((open, place)) if partner(open) != bracket => {
                self.findings.push(messages::mismatched_bracket(open, Span::new(place, place + 1), bracket, span));
                self.brackets.clear();
            }
            Some(_) => {}
        }
    }

    fn end_statement(&mut self) {
        let unclosed = self.brackets.first().copied();
        let is_ours = self.current.as_ref().is_none_or(|current| {
            let text = &self.text[current.span.range()];
            let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
            super::STATEMENTS.iter().any(|(word, ..)| *word == &text[..end])
        });
        if let Some((bracket, place)) = unclosed {
            match is_ours {
                true => self.findings.push(messages::unclosed_bracket(bracket, Span::new(place, place + 1))),
                false => self.abandoned.extend(self.brackets.iter().map(|(bracket, _)| *bracket)),
            }
            self.brackets.clear();
        }
        if let Some(Open { docs, span, .. }) = self.current.take() {
            // The error of a statement with an unclosed bracket was reported.
            if (unclosed.is_none() || !is_ours) && !self.mentions(span) {
                self.layout.statements.push(Statement { docs, span });
            }
        }
    }

    /// Whether the span has an error of this pass. An error of the grammar would then be redundant.
    fn mentions(&self, span: Span) -> bool {
        let last = self.findings.diagnostics.last().and_then(|diagnostic| diagnostic.place());
        last.is_some_and(|place| span.start <= place.start && place.end <= span.end)
    }
}

fn partner(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}
