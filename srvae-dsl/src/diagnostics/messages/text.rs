//! E01: text and grammar.

use super::elsewhere::{sign, statement};
use super::phrases::quoted;
use crate::diagnostics::{Diagnostic, LARGEST_FILE, LONGEST_STATEMENT, MOST_NESTING, MOST_OPERATORS, closest};
use crate::source::Span;

pub(crate) fn not_utf8(byte: u8, place: Span) -> Diagnostic {
    Diagnostic::error("E0101", "the file is not UTF-8")
        .at(place, format!("the byte 0x{byte:02x} is not part of a character"))
        .hint("save the file as UTF-8")
}

pub(crate) fn file_too_large(bytes: usize) -> Diagnostic {
    Diagnostic::error("E0102", format!("the file has {bytes} bytes; the limit is {LARGEST_FILE}"))
        .hint("is this the model file?")
}

pub(crate) fn control_character(character: char, span: Span) -> Diagnostic {
    Diagnostic::error("E0103", format!("the file contains the control character U+{:04X}", character as u32))
        .at(span, "here")
        .hint("remove it; is this a text file?")
}

pub(crate) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("E0104", format!("brackets nest more than {MOST_NESTING} deep"))
        .at(span, "one bracket too many")
        .hint("name a part of the expression with `net`")
}

pub(crate) fn too_many_operators(count: usize, span: Span) -> Diagnostic {
    Diagnostic::error("E0105", format!("the statement has {count} arithmetic operators, more than {MOST_OPERATORS}"))
        .at(span, "in this statement")
        .hint("name a part of the arithmetic with `param`")
}

pub(crate) fn statement_too_long(bytes: usize, span: Span) -> Diagnostic {
    Diagnostic::error("E0115", format!("the statement has {bytes} bytes; the limit is {LONGEST_STATEMENT}"))
        .at(span, "it begins here")
        .hint("name its parts with `net`; split the model, or generate fewer names")
}

pub(crate) fn unclosed_bracket(bracket: char, span: Span) -> Diagnostic {
    Diagnostic::error("E0106", format!("`{bracket}` is never closed"))
        .at(span, "opened here")
        .hint("close it before the next statement begins")
}

pub(crate) fn unmatched_bracket(bracket: char, span: Span) -> Diagnostic {
    Diagnostic::error("E0107", format!("`{bracket}` closes nothing"))
        .at(span, "no bracket is open here")
        .hint("remove it, or open a bracket before it")
}

pub(crate) fn mismatched_bracket(open: char, opened: Span, close: char, closed: Span) -> Diagnostic {
    Diagnostic::error("E0108", format!("`{close}` closes `{open}`"))
        .at(closed, "does not fit")
        .and(opened, "opened here")
        .hint("make the brackets a pair")
}

pub(crate) fn unterminated_string(span: Span) -> Diagnostic {
    Diagnostic::error("E0109", "the path has no closing quote on its line")
        .at(span, "begins here")
        .hint("write it as in `rust \"crate::nets::Mine\"`")
}

/// `is_assigned`: `=` follows the word.
pub(crate) fn unknown_statement<'a>(
    word: &str,
    is_assigned: bool,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let hint = match (statement(word), closest(word, known.clone())) {
        (Some(hint), _) => hint.to_owned(),
        (None, _) if is_assigned => {
            format!(
                "a value is named with `let {word} = …`, a number with `param {word} = …`, and a distribution is a factor: `p({word} | …) = …`"
            )
        }
        (None, Some(meant)) => format!("did you mean `{meant}`?"),
        (None, None) => format!("statements begin with {}", quoted(known)),
    };
    Diagnostic::error("E0110", format!("no statement begins with `{word}`")).at(span, "expected a statement").hint(hint)
}

/// `z ~ normal(…)`.
pub(crate) fn tilde(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0113", "`~` is not part of the language: a model is stated by its factors")
        .at(span, "not supported")
        .hint(format!("write `p({name} | …) = …` or `q({name} | …) = …`"))
}

/// `before` is the text of the statement before what was found.
pub(crate) fn unexpected(span: Span, [before, found]: [&str; 2], expected: &str, example: &str) -> Diagnostic {
    let hint = aggregate(before).or_else(|| sign(before, found, expected));
    let hint = hint.map_or_else(|| format!("such a statement looks like `{example}`"), str::to_owned);
    let found = if found.is_empty() { "the statement ends".to_owned() } else { format!("found `{found}`") };
    Diagnostic::error("E0111", format!("{found} where {expected} was expected"))
        .at(span, format!("expected {expected}"))
        .hint(hint)
}

/// For an objective with a function of the aggregate posterior.
fn aggregate(before: &str) -> Option<&'static str> {
    let statement = before.strip_prefix("objective")?;
    let mut words = statement.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_lowercase);
    let known = ["total_correlation", "tc", "mmd", "mutual_information", "mi", "wasserstein", "discriminator", "gan"];
    words.any(|word| known.contains(&word.as_str())).then_some(
        "`objective` adds only ln p or ln q of a factor. Penalties of the average of q over the data (total correlation, MMD, mutual information) and adversarial losses are not available: their value for a record would depend on the batch",
    )
}

pub(crate) fn number_too_large(span: Span) -> Diagnostic {
    Diagnostic::error("E0112", "the number is too large").at(span, "does not fit 64 bits").hint("write a smaller one")
}
