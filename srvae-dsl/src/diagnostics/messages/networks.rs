//! E02: named networks, values, and what networks may read.

use super::phrases::quoted;
use crate::diagnostics::{Diagnostic, MOST_NETS};
use crate::graph::Role;
use crate::source::Span;

pub(crate) fn net_before_definition(name: &str, used: Span, defined: Span) -> Diagnostic {
    Diagnostic::error("E0220", format!("the network `{name}` is used before its definition"))
        .at(used, "used here")
        .and(defined, "defined here")
        .hint("define networks before those that use them; a network cannot use itself")
}

pub(crate) fn past_of_another(span: Span) -> Diagnostic {
    Diagnostic::error("E0255", "the argument of `past` must be the variable of its factor")
        .at(span, "not the variable left of the bar")
        .hint(
            "`p(x | z) = … from concat(past(x) |> masked_conv(out: 64), …)` reads what comes before each position of x",
        )
}

pub(crate) fn past_out_of_place(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0256", format!("`{name}` has no past to read here"))
        .at(span, "only allowed in the factor of p of an observed or latent map")
        .and(declared, format!("`{name}` is declared here"))
        .hint("`past` works for observed and latent variables [channels, height, width], whose positions p draws one after the other")
}

pub(crate) fn known_of_what(span: Span) -> Diagnostic {
    Diagnostic::error("E0263", "`known` reads partly observed variables by their names")
        .at(span, "not the name of a variable of the file")
        .hint(
            "write `known(x)`, or `known(x[1..6])`, in a factor of q or in a `let`; a network gets it as an input: `known(x) |> f`",
        )
}

pub(crate) fn known_of_other(name: &str, role: Role, span: Span, declared: Span) -> Diagnostic {
    let why = match role {
        Role::Latent | Role::Global => "no record has it",
        Role::Observed | Role::Partly | Role::Given => "every record has it",
    };
    let hint = match role {
        Role::Given => format!("read it as `{name}`"),
        _ => format!("read it as `{name}`, or declare `partly observed {name}: …` if only some records have it"),
    };
    Diagnostic::error("E0264", format!("`{name}` is {}, so {why}", role.name()))
        .at(span, "`known` reads a partly observed variable")
        .and(declared, "declared here")
        .hint(hint)
}

pub(crate) fn known_in_p(name: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0265", format!("p depends on whether a record has `{name}`"))
        .at(span, "only q may read it")
        .and(head, "a factor of p")
        .hint(format!(
            "p is the same for all records, and draws `{name}` itself: read `{name}` here, or declare \
             `given s: binary[1]` with data that say which records have it"
        ))
}

pub(crate) fn not_causal(block: &str, span: Span, able: &[&str]) -> Diagnostic {
    Diagnostic::error("E0257", format!("`past` passes through `{block}`, whose output depends on later positions"))
        .at(span, "a draw would depend on itself")
        .hint(format!(
            "after `past` use only {}, `conv(kernel: 1)`, sums, `concat` and elementwise functions",
            quoted(able.to_vec())
        ))
}

pub(crate) fn flow_over_past(span: Span) -> Diagnostic {
    Diagnostic::error("E0258", "a flow is applied to a distribution that reads `past`")
        .at(span, "would mix positions that are drawn one after the other")
        .hint("remove the flow, or do not read `past` in the network")
}

pub(crate) fn let_applied(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0231", format!("`{name}` is a value and takes no inputs"))
        .at(span, "applied here")
        .hint(format!("read it as `{name}`; a network with inputs is defined by `net {name}(h) = …`"))
}

pub(crate) fn let_reads_more(name: &str, variable: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0232", format!("`{name}` depends on `{variable}`, which is not a parent of this factor"))
        .at(span, format!("depends on `{variable}`"))
        .and(head, format!("`{variable}` is not right of the bar"))
        .hint(format!("add `{variable}` right of the bar"))
}

/// Values with their places, each of which reads the next, and the last one the first.
pub(crate) fn let_circle(circle: &[(&str, Span)]) -> Option<Diagnostic> {
    let ((name, span), others) = circle.split_first()?;
    let reads = |at: usize| format!("reads `{}`", circle[at % circle.len()].0);
    let error = Diagnostic::error("E0233", format!("the value `{name}` depends on itself")).at(*span, reads(1));
    let error = others.iter().zip(2..).fold(error, |error, ((_, span), next)| error.and(*span, reads(next)));
    Some(error.hint("a value may read variables, and values that do not depend on it"))
}

pub(crate) fn let_of_nothing(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0234", format!("the value `{name}` reads no variable"))
        .at(span, "no variable here")
        .hint("a `let` is a function of variables: `let h = x |> encoder(growth: 16, out: 32)`; a number is a `param`, and 32 equal numbers are `constant(0, 32)`")
}

pub(crate) fn learned_shape_missing(span: Span) -> Diagnostic {
    Diagnostic::error("E0235", "the shape of the learned values is not known")
        .at(span, "shape missing")
        .hint("state the space: `learned real[64]`; it may be omitted for the parameters of a distribution")
}

pub(crate) fn nets_too_deep(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0221", format!("named networks are nested more than {MOST_NETS} deep"))
        .at(span, format!("`{name}` exceeds the limit"))
        .hint("replace some of them by their definitions")
}

/// `most` is how many blocks the largest one has, which stands at `span`.
pub(crate) fn too_many_blocks(count: usize, limit: usize, span: Span, most: usize) -> Diagnostic {
    let title = format!("the networks have {count} blocks in total; the limit is {limit}");
    Diagnostic::error("E0226", title).at(span, format!("{most} of them")).hint(
        "a named network counts at every use, so one that uses another one twice has twice its blocks; use fewer or larger blocks",
    )
}
