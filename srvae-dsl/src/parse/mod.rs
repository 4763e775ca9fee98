//! From text to the syntax tree.
//!
//! `layout` divides the text into statements and limits their nesting. The grammar (`grammar.pest`) parses each
//! statement, and `tree` builds the syntax tree. A statement that does not parse is one error; the other statements are
//! still parsed.

mod expected;
mod layout;
mod tree;

use crate::ast::{File, Item};
use crate::diagnostics::{Diagnostic, Findings, LARGEST_FILE, LONGEST_STATEMENT, Report, messages};
use crate::source::{Source, Span};
use layout::Statement;
use pest::Parser;
pub(crate) use tree::word;

/// The compiled grammar.
#[derive(pest_derive::Parser)]
#[grammar = "grammar.pest"]
struct Grammar;

/// Keywords of statements, each with its rule and an example.
const STATEMENTS: [(&str, Rule, &str); 21] = [
    ("model", Rule::model_item, "model srvae"),
    ("param", Rule::param_item, "param width = 64"),
    ("preset", Rule::preset_item, "preset quick { width = 8 }"),
    ("index", Rule::index_item, "index l in 1..4"),
    ("length", Rule::length_item, "length T"),
    ("checkpoint", Rule::checkpoint_item, "checkpoint t = 32"),
    ("observed", Rule::variables_item, "observed x: image[3, 32, 32]"),
    ("partly", Rule::variables_item, "partly observed y: label[10]"),
    ("latent", Rule::variables_item, "latent u, z: real[16, 8, 8]"),
    ("global", Rule::variables_item, "global w: real[8]"),
    ("given", Rule::variables_item, "given c: label[10]"),
    ("net", Rule::net_item, "net features(h) = h |> encoder(growth: 16, out: 32) |> elu"),
    ("let", Rule::let_item, "let h = x |> encoder(growth: 16, out: 32)"),
    ("flow", Rule::flow_item, "flow steps = actnorm |> invertible_conv |> affine_coupling(width: 64)"),
    ("learned", Rule::learned_item, "learned w: real[64]"),
    ("p", Rule::factor_item, "p(x | z) = logistic_mixture(components: 10) from z |> decoder(growth: 64, up: 2)"),
    ("q", Rule::factor_item, "q(z | x) = normal from x |> encoder(growth: 16, down: 2)"),
    ("bound", Rule::bound_item, "bound KL_z = monte_carlo"),
    ("draw", Rule::draw_item, "draw y = relaxed(temperature: 0.5)"),
    ("weight", Rule::weight_item, "weight KL_z = 0.5 * ramp(steps: 400)"),
    ("objective", Rule::objective_item, "objective + alpha * ln q(y | x) where y is observed"),
];

/// Keywords of statements, each with an example.
pub fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
    STATEMENTS.iter().map(|(word, _, example)| (*word, *example))
}

/// Parses a file.
///
/// # Errors
/// A report of all statements that do not parse.
pub fn parse(source: &Source) -> Result<File, Report> {
    let (file, diagnostics) = read(source);
    Findings { diagnostics }.finish(source)?;
    Ok(file)
}

/// Parses as much as possible: the valid statements, and an error for each other one.
pub fn read(source: &Source) -> (File, Vec<Diagnostic>) {
    let mut findings = Findings::default();
    if source.text.len() > LARGEST_FILE {
        findings.push(messages::file_too_large(source.text.len()));
        return (File::default(), findings.diagnostics);
    }
    let layout = layout::lay_out(&source.text, &mut findings);
    if layout.hopeless {
        return (File::default(), findings.diagnostics);
    }
    let mut items = Vec::new();
    for statement in &layout.statements {
        match parse_statement(&layout.code, statement) {
            Ok(item) => items.push(item),
            Err(diagnostic) => findings.push(*diagnostic),
        }
    }
    let file = File { items, comments: layout.comments, stray_docs: layout.stray_docs };
    (file, findings.diagnostics)
}

type Failure = Box<Diagnostic>;

fn parse_statement(code: &str, statement: &Statement) -> Result<Item, Failure> {
    let text = code.get(statement.span.range()).unwrap_or_default();
    // Whitespace does not count, because the formatter may add some.
    let length = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count();
    if length > LONGEST_STATEMENT {
        let begin = text.chars().next().map_or(0, char::len_utf8);
        let span = Span::new(statement.span.start, statement.span.start + begin);
        return Err(Box::new(messages::statement_too_long(length, span)));
    }
    let word_end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let word = &text[..word_end];
    let Some((_, rule, example)) = STATEMENTS.iter().find(|(keyword, ..)| *keyword == word) else {
        let end = word_end.max(text.chars().next().map_or(0, char::len_utf8));
        let span = Span::new(statement.span.start, statement.span.start + end);
        if ["~", "\\sim"].iter().any(|sign| text[word_end..].trim_start().starts_with(sign)) {
            return Err(Box::new(messages::tilde(word, statement.span)));
        }
        let is_assigned = text[word_end..].trim_start().starts_with('=');
        let known = STATEMENTS.map(|(keyword, ..)| keyword);
        return Err(Box::new(messages::unknown_statement(&text[..end], is_assigned, span, known)));
    };
    let mut pairs = Grammar::parse(*rule, text).map_err(|error| expected::explain(&error, text, statement, example))?;
    let builder = tree::Builder::new(statement.span.start);
    let statement_pair = pairs.next();
    let over = statement_pair.as_ref().and_then(|pair| builder.over(pair));
    let kind = statement_pair.and_then(|pair| builder.item(pair));
    builder.finish(statement.span)?;
    let kind = kind.ok_or_else(|| messages::unexpected(statement.span, ["", word], "a statement", example))?;
    Ok(Item { docs: statement.docs.clone(), kind, over, span: statement.span })
}
