//! E04: flows.

use super::elsewhere;
use super::phrases::{meant, quoted};
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(crate) fn flow_over_discrete(flow: &str, span: Span, distribution: &str, base: Span) -> Diagnostic {
    Diagnostic::error("E0418", format!("the flow `{flow}` is applied to the discrete distribution `{distribution}`"))
        .at(span, "needs a continuous distribution")
        .and(base, "discrete")
        .hint("remove the flow, or use a continuous distribution, such as `normal`")
}

pub(crate) fn not_a_flow<'a>(name: &str, span: Span, flows: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    Diagnostic::error("E0419", format!("`{name}` is not a flow, and only flows may follow a distribution"))
        .at(span, "not invertible")
        .hint(format!("flows: {}; put a network right of `from`", quoted(flows)))
}

pub(crate) fn unknown_flow<'a>(name: &str, span: Span, flows: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    let hint = meant(elsewhere::FLOWS, name, flows, "flows", "put a network right of `from`");
    Diagnostic::error("E0425", format!("no flow is called `{name}`")).at(span, "unknown flow").hint(hint)
}

pub(crate) fn flow_in_network(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0420", format!("the flow `{name}` is used in a network"))
        .at(span, "its log-determinant would be lost")
        .hint(format!("put it over the distribution: `normal |> {name}(…) from …`"))
}

pub(crate) fn flow_direction(flow: &str, span: Span, head: Span, why: &str) -> Diagnostic {
    Diagnostic::error("E0421", format!("the flow `{flow}` can only draw, but this factor needs its inverse"))
        .at(span, why)
        .and(head, "this factor")
        .hint(format!(
            "`{flow}` is allowed in q; in p use a flow with both directions, such as `spline_coupling` or `maf`"
        ))
}

pub(crate) fn flow_circle(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0461", format!("the flow `{name}` contains itself"))
        .at(span, "reached again through its own stages")
        .hint("a `flow` may use only flows that do not contain it")
}

pub(crate) fn flow_at_two_shapes(name: &str, here: Span, shape: &str, there: Span, first: &str) -> Diagnostic {
    Diagnostic::error("E0463", format!("the flow `{name}` is used at two shapes"))
        .at(here, format!("here {shape}"))
        .and(there, format!("first {first}"))
        .hint("a `flow` has one set of parameters for all uses: use it at one shape, or define two")
}

pub(crate) fn dequantise_elsewhere(flow: &str, span: Span, variable: &str, declared: Span) -> Diagnostic {
    Diagnostic::error("E0464", format!("`{flow}` must be the last flow of an observed image"))
        .at(span, "in another place")
        .and(declared, format!("`{variable}` is declared here"))
        .hint("write it last in p: `p(x) = standard_normal |> … |> dequantise` for an `observed x: image[…]`")
}

pub(crate) fn rounded_in_q(function: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0465", format!("the function `{function}` is used in a factor of q"))
        .at(span, "computes an observed variable, which belongs to p")
        .and(head, "this factor")
        .hint(format!("write it in p, `p(x | v) = {function}(v)`, and let q(v | x) end in `onto(x)`"))
}

pub(crate) fn rounded_roles(function: &str, span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0466", format!("`{function}` yields an observed image from a latent"))
        .at(span, "computed here")
        .and(head, "this factor")
        .hint("declare `observed x: image[…]` and `latent v: real[…]` of one shape")
}

pub(crate) fn floor_without_onto(x: &str, v: &str, span: Span, place: Span) -> Diagnostic {
    Diagnostic::error("E0467", format!("nothing keeps `{v}` within the cells of `{x}`"))
        .at(span, format!("given `{v}`, `{x}` is certain: outside of its cells its probability is 0"))
        .and(place, format!("the factor of q that draws `{v}`"))
        .hint(format!("let it end in `|> sigmoid |> onto({x})`"))
}

pub(crate) fn onto_elsewhere(variable: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0468", "`onto` must be the last flow of q for a variable that p rounds")
        .at(span, "in another place")
        .hint(format!(
            "write it last in q, `q({variable} | x) = … |> sigmoid |> onto(x)`, with `p(x | {variable}) = floor({variable})`"
        ))
}

pub(crate) fn onto_of_anything(span: Span) -> Diagnostic {
    Diagnostic::error("E0469", "`onto` needs numbers between 0 and 1, but its input may be any number")
        .at(span, "its input")
        .hint("put `sigmoid` before it, or use `uniform` as the distribution")
}

pub(crate) fn flow_over_jumps(flow: &str, span: Span, distribution: &str, base: Span) -> Diagnostic {
    Diagnostic::error(
        "E0483",
        format!("in q the flow `{flow}` is applied to `{distribution}`, whose draws have no gradient"),
    )
    .at(span, "would be trained without a gradient")
    .and(base, "the choice of the component is discrete")
    .hint("remove the flow, or use another distribution, such as `normal`")
}

pub(crate) fn flow_reshapes(flow: &str, span: Span, distribution: &str, base: Span) -> Diagnostic {
    Diagnostic::error(
        "E0462",
        format!("`{flow}` changes the shape, but the parameters of `{distribution}` have the variable's shape"),
    )
    .at(span, "changes the shape")
    .and(base, "its network has the variable's shape")
    .hint("use `standard_normal` as the distribution, and pass the network's inputs to the flows as `context: …`")
}
