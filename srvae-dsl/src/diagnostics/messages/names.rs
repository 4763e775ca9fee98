//! E02: names that are missing, taken, unknown or of another kind.

use super::elsewhere;
use super::phrases::{did_you_mean, meant};
use crate::diagnostics::{Diagnostic, MOST_NAMES};
use crate::graph::member;
use crate::source::Span;

pub(crate) fn no_model(end: Span) -> Diagnostic {
    Diagnostic::error("E0201", "the file has no `model` statement")
        .at(end, "no `model` statement up to here")
        .hint("begin the file with `model NAME`")
}

pub(crate) fn second_model(second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0202", "the file has a second `model` statement")
        .at(second, "the second")
        .and(first, "the first")
        .hint("put each model into a separate file")
}

pub(crate) fn defined_twice(name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0203", format!("`{name}` is defined twice"))
        .at(second, "defined again")
        .and(first, "defined here first")
        .hint("rename one of the two")
}

pub(crate) fn name_taken(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0204", format!("`{name}` is a reserved word"))
        .at(span, "cannot be used as a name")
        .hint(format!("choose another name, such as `{name}_1`"))
}

pub(crate) fn unknown_variable<'a>(
    name: &str,
    span: Span,
    reader: Option<(&str, &str)>,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0207", format!("no variable is called `{name}`")).at(span, "unknown variable").hint(
        no_member(name, reader, known.clone()).unwrap_or_else(|| {
            did_you_mean(name, known, "variables", &format!("declare it: `latent {name}: real[16, 8, 8]`"))
        }),
    )
}

pub(crate) fn unknown_in_network<'a>(
    name: &str,
    span: Span,
    variables: impl IntoIterator<Item = &'a str> + Clone,
    values: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let known: Vec<&str> = variables.clone().into_iter().chain(values).collect();
    Diagnostic::error("E0208", format!("no variable, value or argument that a network can read is called `{name}`"))
        .at(span, "unknown name")
        .hint(
            no_member(name, None, variables)
                .or_else(|| no_first_value(name))
                .unwrap_or_else(|| did_you_mean(name, known, "it can read", "declare a variable of this name")),
        )
}

/// For `z[0]` of a family whose first member is `z[1]`. `reader` is the side and the variable of the factor that reads it.
fn no_member<'a>(name: &str, reader: Option<(&str, &str)>, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (family, value) = member(name)?;
    let values =
        known.into_iter().filter_map(|known| member(known).filter(|(own, _)| *own == family)).map(|(_, at)| at);
    let (first, last) = values.fold(None, |ends: Option<(i64, i64)>, at| {
        Some(ends.map_or((at, at), |(first, last)| (first.min(at), last.max(at))))
    })?;
    let (end, which) = match value {
        value if value < first => (first, "first"),
        value if value > last => (last, "last"),
        _ => return None,
    };
    let end = format!("the {which} is `{family}[{end}]`");
    // Only a factor over an index reads a member that another one of its steps has.
    let Some((side, own, of)) = reader.and_then(|(side, own)| Some((side, own, member(own)?.0))) else {
        return Some(end);
    };
    let bar = if (side, of) == ("p", family) { "" } else { " | …" };
    Some(format!("{end}: state the factor of `{own}` separately, as in `{side}({own}{bar}) = …`"))
}

/// For `h[0]` of a recurrence that begins with `h[1]`.
fn no_first_value(name: &str) -> Option<String> {
    let (family, _) = member(name)?;
    Some(format!(
        "a recurrence needs a first value, `let {name} = learned real[16]`; a family is declared as `{family}[t]`"
    ))
}

pub(crate) fn unknown_block<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let hint = meant(elsewhere::BLOCKS, name, known, "blocks and networks", "define it with `net`");
    Diagnostic::error("E0209", format!("no block or network is called `{name}`")).at(span, "unknown block").hint(hint)
}

pub(crate) fn not_a_block(name: &str, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0210", format!("`{name}` is {what}, not a block"))
        .at(span, "expected a block or a named network")
        .hint(format!("write {what} left of `from`, as in `q(z | x) = normal from x |> encoder(growth: 16)`"))
}

pub(crate) fn unknown_distribution<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0211", format!("no distribution or function is called `{name}`"))
        .at(span, "unknown distribution")
        .hint(meant(elsewhere::DISTRIBUTIONS, name, known, "distributions and functions", "see the language reference"))
}

pub(crate) fn network_for_distribution(span: Span) -> Diagnostic {
    Diagnostic::error("E0223", "a factor must begin with a distribution or a function")
        .at(span, "neither")
        .hint("write `= normal from …`, or another distribution; a mixture is a distribution too: `mixture_of_normals`, `normal_mixture`")
}

pub(crate) fn not_a_distribution(name: &str, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0212", format!("`{name}` is {what}, not a distribution"))
        .at(span, "expected a distribution")
        .hint(format!("write `= DISTRIBUTION from …`, with `{name}` right of `from`"))
}

pub(crate) fn unknown_space<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0213", format!("no space is called `{name}`")).at(span, "unknown space").hint(meant(
        elsewhere::SPACES,
        name,
        known,
        "spaces",
        "",
    ))
}

pub(crate) fn unknown_param<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0214", format!("no parameter is called `{name}`"))
        .at(span, "unknown parameter")
        .hint(did_you_mean(name, known, "parameters", &format!("declare it: `param {name} = 64`")))
}

pub(crate) fn not_a_number(name: &str, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0215", format!("`{name}` is {what}, not a number"))
        .at(span, "expected a number or a parameter")
        .hint("write a number, or the name of a `param`")
}

pub(crate) fn unknown_preset<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    Diagnostic::error("E0216", format!("the model has no preset `{name}`")).hint(did_you_mean(
        name,
        known,
        "presets",
        &format!("add `preset {name} {{ … }}` to the file"),
    ))
}

pub(crate) fn unknown_setting<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    Diagnostic::error("E0217", format!("the model has no parameter `{name}`")).hint(did_you_mean(
        name,
        known,
        "parameters",
        &format!("add `param {name} = …` to the file"),
    ))
}

pub(crate) fn unknown_term<'a>(name: &str, span: Span, known: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    Diagnostic::error("E0218", format!("the bound has no term `{name}` that could be estimated in two ways"))
        .at(span, "unknown term")
        .hint(did_you_mean(name, known, "such terms", "remove the statement: the model has no such term"))
}

pub(crate) fn unknown_estimator(name: &str, span: Span) -> Diagnostic {
    let known = ["closed_form", "monte_carlo"];
    Diagnostic::error("E0219", format!("no estimator is called `{name}`"))
        .at(span, "unknown estimator")
        .hint(did_you_mean(name, known, "estimators", ""))
}

pub(crate) fn too_many_names(span: Span) -> Diagnostic {
    Diagnostic::error("E0222", format!("the file defines more than {MOST_NAMES} names"))
        .at(span, "exceeds the limit")
        .hint("split the model, or generate fewer names")
}
