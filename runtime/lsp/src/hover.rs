//! The hover text of a word.

use crate::catalogue::{self, describe};
use crate::document::Document;
use crate::facts;
use crate::index::{Kind, Occurrence, Target, slice};
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind};
use srvae_dsl::Span;
use srvae_dsl::ast::{Expression, ExpressionKind, File, Item, ItemKind, NetBody};

/// The maximum number of lines shown of a statement.
const LINES: usize = 8;

/// The hover at a byte offset. None between words and on unknown words.
pub fn hover(document: &Document, offset: usize) -> Option<Hover> {
    let word = document.index().at(offset)?;
    let value = match &word.target {
        Target::Defined { kind, name } => defined(document, word, kind, name)?,
        Target::Entry(name) => {
            let mut text = catalogue::operation(name)?.markdown();
            let compilation = document.compilation();
            if let (Ok(model), Some(call)) = (compilation.model(), call(compilation.tree(), word.span)) {
                text += &bullets(&facts::at(model, call));
            }
            text
        }
        Target::Space(name) => catalogue::space(name)?.markdown(),
        Target::Argument { callee, name } => {
            let parameter = catalogue::operation(callee)?.parameter(name)?;
            let default = parameter.default.map(|default| srvae_dsl::graph::Value::from(default).to_string());
            let default = default.map(|value| format!("; {value} where not given")).unwrap_or_default();
            format!("`{name}` of `{callee}`: {}{default}", describe(parameter))
        }
        Target::Estimator(name) => match name.as_str() {
            "closed_form" => "The divergence in closed form.".to_owned(),
            "monte_carlo" => "log q − log p at the sample.".to_owned(),
            "enumerate" => "A sum over all values in place of a draw: exact.".to_owned(),
            "relaxed" => "In training, a draw of a continuous relaxation at this temperature.".to_owned(),
            "straight_through" => "A draw with the gradient of its mean: biased.".to_owned(),
            "ramp" => "A weight that rises from 0 to 1 in a straight line, over passes or steps.".to_owned(),
            "free" => "Nats below which the mean of the term counts as they, without a gradient.".to_owned(),
            "score" => "A draw with the gradient of its log-probability times its gain: unbiased.".to_owned(),
            _ => return None,
        },
        Target::Unknown => return None,
    };
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
    Some(Hover { contents, range: Some(document.range(word.span)) })
}

/// A definition in the file: its statement, its documentation, and facts of the checked model.
fn defined(document: &Document, word: &Occurrence, kind: &Kind, name: &str) -> Option<String> {
    let compilation = document.compilation();
    let (tree, source) = (compilation.tree(), compilation.source());
    let definition = document.index().words.iter().find(|other| other.definition && other.target == word.target)?;
    let inside = |item: &&Item| item.span.start <= definition.span.start && definition.span.end <= item.span.end;
    let item = tree.items.iter().find(inside)?;
    let mut text = format!("```pgm\n{}\n```", slice(source, item.span, LINES));
    let docs: Vec<&str> = item.docs.iter().map(|doc| doc.text.as_str()).collect();
    if !docs.is_empty() {
        text += &format!("\n{}", docs.join("\n"));
    }
    let Ok(model) = compilation.model() else { return Some(text) };
    text += &bullets(&match kind {
        Kind::Variable => facts::of_variable(model, name),
        Kind::Net => facts::of_net(model, name),
        Kind::Formal(_) => facts::of_formal(model, item.span, name),
        Kind::Param => presets(tree, name),
        Kind::Model => vec![facts::counted(model.cost().parameters, "parameter")],
        Kind::Preset => Vec::new(),
    });
    if *kind == Kind::Variable {
        let factors = tree.items.iter().filter(|item| match &item.kind {
            ItemKind::Factor(factor) => factor.variable.text == name,
            _ => false,
        });
        for factor in factors {
            text += &format!("\n```pgm\n{}\n```", slice(source, factor.span, LINES));
        }
    }
    Some(text)
}

/// The value of a parameter in each preset.
fn presets(tree: &File, param: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for item in &tree.items {
        let ItemKind::Preset { name, settings } = &item.kind else { continue };
        for setting in settings.iter().filter(|setting| setting.name.text == param) {
            lines.push(format!("{} in the preset `{}`", setting.value, name.text));
        }
    }
    lines
}

fn bullets(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n- {line}")).collect()
}

/// The span of the call, with its arguments, whose name is at a span.
fn call(file: &File, name: Span) -> Option<Span> {
    file.items.iter().find_map(|item| match &item.kind {
        ItemKind::Factor(factor) => [Some(&factor.body), factor.network.as_ref()]
            .into_iter()
            .chain(factor.each_expert().flat_map(|expert| [Some(&expert.body), expert.network.as_ref()]))
            .flatten()
            .find_map(|expression| call_in(expression, name)),
        ItemKind::Net { body: NetBody::Expression(expression), .. }
        | ItemKind::Let { value: expression, .. }
        | ItemKind::Flow { value: expression, .. } => call_in(expression, name),
        _ => None,
    })
}

fn call_in(expression: &Expression, name: Span) -> Option<Span> {
    if name.start < expression.span.start || expression.span.end < name.end {
        return None;
    }
    match &expression.kind {
        ExpressionKind::Number(_) | ExpressionKind::Learned(_) | ExpressionKind::Range(..) => None,
        ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => call_in(inner, name),
        ExpressionKind::Binary(_, left, right) => call_in(left, name).or_else(|| call_in(right, name)),
        ExpressionKind::Pipeline(stages) => stages.iter().find_map(|stage| call_in(stage, name)),
        ExpressionKind::Call(call) if call.name.span == name => Some(expression.span),
        ExpressionKind::Call(call) => {
            call.arguments.iter().flatten().find_map(|argument| call_in(&argument.value, name))
        }
    }
}
