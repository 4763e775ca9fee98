//! The canonical form of a model file.
//!
//! Comments keep their places, and several blank lines become one. The roles of adjacent declarations and the `=` of
//! adjacent factors are aligned. A statement that does not fit on a line is broken before `from`, before `|>` and after
//! the commas of a call. A statement with comments inside is not changed, so that no comment moves.

mod print;

use crate::ast::{File, Item, ItemKind};
use crate::diagnostics::Report;
use crate::source::{Source, Span};
use print::Printer;

/// The file in its canonical form.
///
/// # Errors
/// A file that does not parse.
pub fn format(source: &Source) -> Result<String, Report> {
    let file = crate::parse(source)?;
    let elements = elements(&file);
    let mut out = String::with_capacity(source.text.len());
    let mut at = 0;
    while at < elements.len() {
        // Elements up to the next blank line are aligned together.
        let end = (at + 1..elements.len()).find(|&next| blank_between(source, &elements[next - 1], &elements[next]));
        let end = end.unwrap_or(elements.len());
        let run = &elements[at..end];
        let printer = Printer::new(source, run.iter().filter_map(Element::item));
        for (index, element) in run.iter().enumerate() {
            let follows = index > 0 && breaks_between(source, &run[index - 1], element) == 0;
            match follows {
                true => out.push(' '),
                false if !out.is_empty() => out.push('\n'),
                false => {}
            }
            if index == 0 && at > 0 {
                out.push('\n');
            }
            element.print(source, &file, &printer, &mut out);
        }
        at = end;
    }
    if !out.is_empty() {
        out.push('\n');
    }
    Ok(out)
}

/// An element of the file, in order.
struct Element<'a> {
    kind: Kind<'a>,
    span: Span,
}

enum Kind<'a> {
    /// A comment outside of all statements, or documentation.
    Line(&'a str),
    Doc(&'a str),
    Statement(&'a Item),
}

impl<'a> Element<'a> {
    fn item(&self) -> Option<&'a Item> {
        match self.kind {
            Kind::Statement(item) => Some(item),
            Kind::Line(_) | Kind::Doc(_) => None,
        }
    }

    fn print(&self, source: &Source, file: &File, printer: &Printer<'_>, out: &mut String) {
        match self.kind {
            Kind::Line(text) => out.push_str(text),
            Kind::Doc("") => out.push_str("///"),
            Kind::Doc(text) => {
                out.push_str("/// ");
                out.push_str(text);
            }
            Kind::Statement(item) if has_comments(file, item) => {
                let lines: Vec<_> = source.slice(item.span).lines().map(str::trim_end).collect();
                out.push_str(&lines.join("\n"));
            }
            Kind::Statement(item) => printer.statement(item, out),
        }
    }
}

fn elements(file: &File) -> Vec<Element<'_>> {
    let mut elements = Vec::new();
    for item in &file.items {
        elements.extend(item.docs.iter().map(|doc| Element { kind: Kind::Doc(&doc.text), span: doc.span }));
        elements.push(Element { kind: Kind::Statement(item), span: item.span });
    }
    elements.extend(file.stray_docs.iter().map(|doc| Element { kind: Kind::Doc(&doc.text), span: doc.span }));
    for comment in &file.comments {
        if enclosing(file, comment.span).is_none() {
            elements.push(Element { kind: Kind::Line(&comment.text), span: comment.span });
        }
    }
    elements.sort_by_key(|element| element.span);
    elements
}

/// The statement that contains a comment. Statements are in order and do not overlap.
fn enclosing(file: &File, span: Span) -> Option<&Item> {
    let before = file.items.partition_point(|item| item.span.start < span.start);
    before.checked_sub(1).map(|index| &file.items[index]).filter(|item| span.start < item.span.end)
}

fn has_comments(file: &File, item: &Item) -> bool {
    let next = file.comments.partition_point(|comment| comment.span.start < item.span.start);
    file.comments.get(next).is_some_and(|comment| comment.span.start < item.span.end)
}

fn breaks_between(source: &Source, before: &Element<'_>, after: &Element<'_>) -> usize {
    source.slice(Span::new(before.span.end, after.span.start)).matches('\n').count()
}

/// Whether two elements are separated by a blank line. There always is one after the `model` statement.
fn blank_between(source: &Source, before: &Element<'_>, after: &Element<'_>) -> bool {
    let named = before.item().is_some_and(|item| matches!(item.kind, ItemKind::Model(_)));
    let breaks = breaks_between(source, before, after);
    breaks > 1 || (named && breaks > 0)
}
