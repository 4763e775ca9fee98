//! E05: shapes, and the types of Rust networks.

use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(crate) fn stage_does_not_fit(network: &str, block: &str, why: &str, span: Span, trail: Trail) -> Diagnostic {
    let title = format!("in the network of {network}, `{block}` {why}");
    trail
        .onto(Diagnostic::error("E0501", title).at(span, "does not fit"))
        .hint("the shapes after every stage are marked; change the sizes or put another block before this one")
}

pub(crate) fn head_does_not_fit(
    factor: &str,
    needs: &str,
    ends: &str,
    hint: &str,
    span: Span,
    trail: Trail,
) -> Diagnostic {
    let title = format!("the network of {factor} ends at {ends}, but {needs}");
    trail.onto(Diagnostic::error("E0502", title).at(span, format!("ends at {ends}"))).hint(hint)
}

pub(crate) fn out_missing(block: &str, span: Span, trail: Trail) -> Diagnostic {
    let title = format!("`{block}` needs `out`: it can only be inferred for the last block of a factor");
    trail
        .onto(Diagnostic::error("E0503", title).at(span, "`out` is missing"))
        .hint("add its channels, for example `out: 16`")
}

pub(crate) fn net_out_missing(block: &str, net: &str, is_let: bool, span: Span) -> Diagnostic {
    let what = if is_let { "a value may be read by several factors" } else { "a named network may be shared" };
    Diagnostic::error("E0504", format!("`{block}` needs `out`: {what}, so it is not inferred"))
        .at(span, "`out` is missing")
        .hint(format!("add the channels of `{net}`: `out: 16`"))
}

pub(crate) fn net_at_two_shapes(net: &str, span: Span, here: &str, defined: Span, there: &str) -> Diagnostic {
    Diagnostic::error("E0505", format!("the network `{net}` is used at two shapes"))
        .at(span, format!("here at {here}"))
        .and(defined, format!("first at {there}"))
        .hint("a shared network has one set of parameters: give it one shape, or define two networks")
}

pub(crate) fn net_input_does_not_fit(
    net: &str,
    formal: &str,
    declared: Span,
    wanted: &str,
    used: Span,
    found: &str,
) -> Diagnostic {
    Diagnostic::error("E0506", format!("the argument `{formal}` of `{net}` is {wanted}, not {found}"))
        .at(used, format!("applied to {found}"))
        .and(declared, format!("declared {wanted}"))
        .hint("change the declared shape, or the network's input")
}

pub(crate) fn net_output_does_not_fit(net: &str, declared: Span, wanted: &str, found: &str) -> Diagnostic {
    Diagnostic::error("E0507", format!("the network `{net}` yields {found}, not {wanted}"))
        .at(declared, format!("declared {wanted}"))
        .hint(format!("declare `-> real{found}`, or omit the declared shape"))
}

pub(crate) fn flow_does_not_fit(
    flow: &str,
    why: &str,
    span: Span,
    variable: &str,
    declared: Span,
    shape: &str,
) -> Diagnostic {
    Diagnostic::error("E0508", format!("`{flow}` {why}"))
        .at(span, format!("applied to {shape}"))
        .and(declared, format!("`{variable}` is declared here"))
        .hint("change the variable's shape or the flow's arguments")
}

pub(crate) fn distribution_does_not_fit(
    (distribution, has_arguments): (&str, bool),
    why: &str,
    span: Span,
    variable: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::error("E0509", format!("`{distribution}` {why}"))
        .at(span, format!("over `{variable}`"))
        .and(declared, format!("`{variable}` is declared here"))
        .hint(match has_arguments {
            true => format!(
                "change the arguments of `{distribution}` or the shape of `{variable}`, or use another distribution"
            ),
            false => format!("change the shape of `{variable}`, or use another distribution"),
        })
}

pub(crate) fn rust_net_shape_missing(net: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0510", format!("the Rust network `{net}` has no declared shapes"))
        .at(span, "no shape here")
        .hint(format!("write `net {net}(h: real[3, 32, 32]) -> real[8, 32, 32] = rust \"crate::nets::Mine\"`"))
}

pub(crate) fn rust_path(path: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0511", format!("`{path}` is not the path of a Rust type"))
        .at(span, "cannot be a path")
        .hint("write it as in `rust \"crate::nets::Mine\"`")
}

pub(crate) fn bare_rust_path(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0512", format!("`{name}` is not a full path"))
        .at(span, "only a name")
        .hint(format!("write `rust \"crate::{name}\"` if it is at the root of the crate, `rust \"crate::nets::{name}\"` if it is in a module `nets`"))
}

/// The shape after each stage of a network, in order.
#[derive(Debug, Default)]
pub(crate) struct Trail(pub Vec<(Span, String)>);

/// Stages marked in one message; of longer networks the last ones.
const MOST_MARKS: usize = 24;

impl Trail {
    fn onto(self, diagnostic: Diagnostic) -> Diagnostic {
        let skipped = self.0.len().saturating_sub(MOST_MARKS);
        self.0.into_iter().skip(skipped).fold(diagnostic, |diagnostic, (span, shape)| diagnostic.and(span, shape))
    }
}

pub(crate) fn weights_of_steps(
    block: &str,
    (step, there): (usize, &str),
    (later, here): (usize, &str),
    owner: Span,
    span: Span,
) -> Diagnostic {
    let title = format!(
        "all steps share the weights of `{block}`, but step {step} applies it to {there} and step {later} to {here}"
    );
    Diagnostic::error("E0519", title)
        .at(owner, "the steps of this family")
        .and(span, format!("{there} at step {step}, {here} at step {later}"))
        .hint(
            "what a step reads has one shape at all steps: give the start of a recurrence, such as `h[0]`, the shape of its values \
             at later steps, or let it yield the shape of its start",
        )
}

pub(crate) fn value_of_steps(
    name: &str,
    (step, there): (usize, &str),
    (later, here): (usize, &str),
    span: Span,
) -> Diagnostic {
    Diagnostic::error("E0520", format!("a value of the sequence is {there} at step {step} and {here} at step {later}"))
        .at(span, format!("`{name}` is {here}"))
        .hint("a value over the length has one shape at all steps: keep a state of fixed size, as in `let h[t] = gru(h[t - 1], x[t])`")
}

/// The length of a sequence where a size or an argument is expected, which is the same for all records.
pub(crate) fn length_for_size(length: &str, span: Span) -> Diagnostic {
    length_for_number(length, span).hint(format!(
        "let each step be a variable: `index t in 1..{length}`, `observed x[t]: real[1]`; if all records have {length} steps, declare \
         `param {length} = 4` instead of `length {length}`"
    ))
}

/// The same in the objective.
pub(crate) fn length_for_weight(length: &str, span: Span) -> Diagnostic {
    length_for_number(length, span).hint(format!(
        "a weight is one number for all records, such as `0.1`, or a parameter: `param scale = 0.1`; if all records have {length} steps, \
         declare `param {length} = 4` instead of `length {length}`, and it is such a number"
    ))
}

fn length_for_number(length: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0521",
        format!("the length `{length}` differs between records, so it is not a number of the model"),
    )
    .at(span, "a length, not a number")
}
