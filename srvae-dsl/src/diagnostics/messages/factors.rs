//! E04: factors, their variables and their functions.

use super::phrases::quoted;
use crate::diagnostics::Diagnostic;
use crate::graph::Side;
use crate::source::Span;

pub(crate) fn duplicate_factor(side: &str, name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0401", format!("{side} has two factors of `{name}`"))
        .at(second, "the second")
        .and(first, "the first")
        .hint("remove one of the two")
}

pub(crate) fn missing_factor(
    (side, role): (&str, &str),
    name: &str,
    declared: Span,
    example: &str,
    may_be_summed: bool,
) -> Diagnostic {
    let sum = if may_be_summed { format!(", or `draw {name} = enumerate`, to sum it out") } else { String::new() };
    Diagnostic::error("E0402", format!("{side}({name} | …) is missing"))
        .at(declared, format!("{role} `{name}` needs a factor in {side}"))
        .hint(format!("add `{example}`{sum}"))
}

/// Of a partly observed variable: `reader` is a factor that reads it, by its text, side and place.
pub(crate) fn missing_where_read(
    name: &str,
    declared: Span,
    (reader, side, head): (&str, Side, Span),
    example: &str,
    may_be_summed: bool,
) -> Diagnostic {
    let sum = if may_be_summed { format!(", or `draw {name} = enumerate`, to sum it out of p") } else { String::new() };
    let drawn = format!("add `{example}`, to draw it in records that lack it{sum}");
    let hint = match side {
        Side::P => drawn,
        Side::Q => format!(
            "read `known({name})` in its place, which is its value and whether a record has it; or {drawn}; or read it in \
             an expert of a product, which then drops out: `q(z | {name}) = (normal from {name} |> …) * standard_normal`"
        ),
    };
    Diagnostic::error("E0451", format!("q({name} | …) is missing"))
        .at(declared, format!("a record may lack `{name}`"))
        .and(head, format!("{reader} reads it"))
        .hint(hint)
}

pub(crate) fn factor_of_observed(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0403", format!("q has a factor of the observed variable `{name}`"))
        .at(span, "q is over latent variables")
        .and(declared, "declared observed here")
        .hint(format!("remove the factor, or declare `{name}` latent"))
}

pub(crate) fn factor_of_given(side: &str, name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0404", format!("{side} has a factor of the given variable `{name}`"))
        .at(span, "given variables have no factor")
        .and(declared, "declared given here")
        .hint(format!("remove the factor, or declare `{name}` observed"))
}

/// `path` begins and ends with the same variable; each factor at `heads` needs the variable in `needed`.
pub(crate) fn cycle(side: &str, path: &[&str], heads: &[Span], needed: &[String]) -> Diagnostic {
    let title = format!("the factors of {side} form a cycle: {}", path.join(" → "));
    let mut diagnostic = Diagnostic::error("E0405", title);
    for (head, parent) in heads.iter().zip(needed) {
        diagnostic = diagnostic.at(*head, format!("needs `{parent}`"));
    }
    diagnostic.hint("remove one of these variables from the right of its bar")
}

/// A factor that names its own variable, on the right of the bar or in its network.
pub(crate) fn own_parent(name: &str, span: Span) -> Diagnostic {
    let family = name.split('[').next().unwrap_or(name);
    Diagnostic::error("E0406", format!("the factor of `{name}` reads `{name}` itself"))
        .at(span, "cannot depend on itself")
        .hint(format!(
            "remove it, from the right of the bar and from the network; in p, what comes before it is `past({name})` in a map and `{family}[t - 1]` in a family"
        ))
}

pub(crate) fn parent_twice(name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0407", format!("`{name}` is listed twice right of the bar"))
        .at(second, "again")
        .and(first, "here first")
        .hint("remove one of the two")
}

pub(crate) fn not_right_of_bar(name: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0408", format!("the factor reads `{name}`, which is not right of its bar"))
        .at(span, "not a parent of this factor")
        .and(head, "the factor's variables")
        .hint(format!("add `{name}` right of the bar, or read another variable"))
}

/// `factor` is `p(z[1])`.
pub(crate) fn parent_not_read(name: &str, parent: Span, factor: &str, is_member: bool) -> Diagnostic {
    let (reader, others) = match is_member {
        true => (factor, format!(", or state {factor} separately")),
        false => ("the factor", String::new()),
    };
    Diagnostic::error("E0409", format!("`{name}` is right of the bar, but {reader} does not read it"))
        .at(parent, "not read")
        .hint(format!("read it right of `from`, or remove `{name}` from the bar{others}"))
}

pub(crate) fn deterministic_in_p(function: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0410", format!("the function `{function}` is used in a factor of p"))
        .at(span, "p must be a distribution")
        .and(head, "this factor")
        .hint("deterministic factors belong to q, where their entropy is 0")
}

pub(crate) fn function_input(function: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0411", format!("`{function}` reads one variable, its first argument"))
        .at(span, "expected a variable here")
        .hint(format!("write it as in `q(y | x) = {function}(x)`"))
}

pub(crate) fn over_function(function: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0412", format!("something follows the function `{function}`"))
        .at(span, "not allowed here")
        .hint("a deterministic factor is one function of one variable: no flows, no `from`")
}

pub(crate) fn function_refuses(function: &str, why: &str, span: Span, input: &str, declared: Span) -> Diagnostic {
    Diagnostic::error("E0413", format!("`{function}` {why}"))
        .at(span, format!("applied to `{input}`"))
        .and(declared, format!("`{input}` is declared here"))
        .hint("apply it to another variable, or change the variable's shape")
}

pub(crate) fn range_does_not_fit(
    function: &str,
    range: &str,
    span: Span,
    variable: &str,
    space: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::error("E0414", format!("`{function}` yields {range}, but `{variable}` is {space}"))
        .at(span, format!("yields {range}"))
        .and(declared, format!("declared {space}"))
        .hint(format!("declare `{variable}: {range}`"))
}

pub(crate) fn space_out_of_reach<'a>(
    distribution: &str,
    span: Span,
    variable: &str,
    space: &str,
    declared: Span,
    able: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    Diagnostic::error("E0415", format!("`{distribution}` cannot produce the {space} variable `{variable}`"))
        .at(span, format!("does not yield {space} values"))
        .and(declared, format!("`{variable}` is declared here"))
        .hint(format!("distributions over {space} variables: {}", quoted(able)))
}

pub(crate) fn root_with_network(distribution: &str, span: Span, network: Span) -> Diagnostic {
    Diagnostic::error("E0416", format!("`{distribution}` reads no network"))
        .at(network, "not used")
        .and(span, "has no parameters from a network")
        .hint("remove `from …` and the variables right of the bar, or use a distribution with parameters, such as `normal`")
}

/// `example` is the factor with a network, or one that needs none.
pub(crate) fn network_missing(distribution: &str, span: Span, example: &str) -> Diagnostic {
    Diagnostic::error("E0417", format!("`{distribution}` needs a network that computes its parameters"))
        .at(span, "no `from` after it")
        .hint(example)
}

pub(crate) fn label_of_latent(function: &str, input: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0426", format!("`{function}({input})` comes with the data, but `{input}` is latent"))
        .at(span, format!("no data set contains `{function}` of a latent"))
        .and(declared, "declared latent here")
        .hint(format!(
            "apply `{function}` to an observed variable, or infer the variable: `categorical from {input} |> …`"
        ))
}

pub(crate) fn global_reads(name: &str, parent: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error(
        "E0478",
        format!(
            "`{name}` has one value for all records, but this factor reads `{parent}`, which differs between records"
        ),
    )
    .at(span, "this factor")
    .and(declared, format!("`{parent}` is declared here"))
    .hint(format!("let it read nothing or only global variables: `q({name}) = normal`; or declare `latent {name}`"))
}

pub(crate) fn global_kind(name: &str, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0479", format!("the global variable `{name}` is {what}"))
        .at(span, "this factor")
        .hint(format!("a global variable is drawn once, from a continuous distribution: `q({name}) = normal`"))
}

pub(crate) fn global_records(value: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0480",
        format!("`records` is {value}, but it must be the number of records, for a global variable"),
    )
    .at(span, "not a number of records")
    .hint("give a whole number from 1, or omit the parameter: training sets it")
}

pub(crate) fn nothing_observed(span: Span) -> Diagnostic {
    Diagnostic::error("E0423", "the model has no observed variable")
        .at(span, "no `observed` statement in this model")
        .hint("declare the data: `observed x: image[3, 32, 32]`")
}

pub(crate) fn never_missing(name: &str, what: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0446", format!("`{name}` is {what}, so the condition has no effect"))
        .at(span, "no effect")
        .and(declared, "declared here")
        .hint(format!(
            "declare `partly observed {name}: …` if some records lack it, or remove `where {name} is observed`"
        ))
}

pub(crate) fn partly_determined(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0447", format!("q computes `{name}`, so no record can lack it"))
        .at(span, "a function")
        .and(declared, "declared partly observed")
        .hint(format!("declare it `latent {name}: …`, or give q a distribution over it"))
}
