//! E04: codebooks, products and mixtures.

use crate::catalog::DISTRIBUTIONS;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(crate) fn codes_apart(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0477",
        format!(
            "`codebook` in p and `quantise` in q must be used together for a latent, but `{name}` has only one of them"
        ),
    )
    .at(span, "in this factor")
    .hint("write `p(z) = codebook(codes: 512)`, `q(z | x) = quantise from x |> …` and `draw z = straight_through` for a latent z")
}

pub(crate) fn mixture_elsewhere(span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0470", "a mixture of q is only allowed at a root of p")
        .at(span, "in another place")
        .and(head, "this factor")
        .hint("write `p(z) = mixture of q(z | x: w[k]) for k in 1..K` for a latent z")
}

pub(crate) fn mixture_of_another(variable: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0471", format!("the prior of `{variable}` is a mixture of its own factor of q"))
        .at(span, "another factor")
        .hint(format!("write `mixture of q({variable} | …)`"))
}

pub(crate) fn mixture_without_range(span: Span) -> Diagnostic {
    Diagnostic::error("E0472", "the mixture has no range of components")
        .at(span, "range missing")
        .hint("end the line with `for k in 1..K`, where `learned w[k]: …` are the values")
}

pub(crate) fn mixture_reads(name: &str, variable: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0473", format!("the factor of q of `{variable}` does not read `{name}` here"))
        .at(span, "not a parent without a value")
        .hint("give each variable right of the bar of q one value: `x: w[k]`")
}

pub(crate) fn mixture_lacks(name: &str, variable: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0474", format!("the components of `{variable}` have no value for `{name}`"))
        .at(span, format!("q reads `{name}` too"))
        .hint(format!("add one for each component: `{name}: w[k]` with `learned w[k]: …`"))
}

pub(crate) fn mixture_unfit(name: &str, wanted: &str, found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0475", format!("a value of `{name}` must be {wanted}, not {found}"))
        .at(span, format!("is {found}"))
        .hint(format!("declare it in the shape of `{name}`"))
}

/// A pseudo-input that is not in the space of its variable.
pub(crate) fn mixture_of_no_value(name: &str, space: &str, why: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0452", format!("this is no value of `{name}`, whose space is `{space}`"))
        .at(span, why)
        .hint(format!("declare it in the space of `{name}`: `learned w[k]: {space}[…]`"))
}

pub(crate) fn mixture_of_what(variable: &str, why: &str, span: Span, factor: Span) -> Diagnostic {
    Diagnostic::error("E0476", format!("the factor of q of `{variable}` cannot be used in a mixture"))
        .at(span, "asked for here")
        .and(factor, why)
        .hint("a mixture needs a factor with a density for any value, and with parents that every record has")
}

pub(crate) fn not_an_expert(what: &str, span: Span, why: &str) -> Diagnostic {
    let all = DISTRIBUTIONS.iter().filter_map(|entry| Some((entry.name, entry.experts?.root)));
    let all = all.map(|(name, root)| match root {
        Some(root) => format!("`{name}` (with `{root}` if needed)"),
        None => format!("`{name}`"),
    });
    let all: Vec<String> = all.collect();
    Diagnostic::error("E0448", format!("{what} cannot be an expert of a product")).at(span, why).hint(format!(
        "multiply distributions of one type, each with its network, of {}: `(normal from x |> …) * standard_normal`",
        all.join(", ")
    ))
}

pub(crate) fn no_lasting_expert(root: &str, factor: Span) -> Diagnostic {
    Diagnostic::error("E0449", "a record may lack what every expert of the product reads")
        .at(factor, "no expert would remain")
        .hint(format!("multiply it with `{root}`, or with an expert that reads what every record has"))
}

pub(crate) fn mean_elsewhere(span: Span, head: Span) -> Diagnostic {
    Diagnostic::error("E0484", "a mixture of several distributions stands in q, of a latent variable")
        .at(span, "stands elsewhere")
        .and(head, "this factor")
        .hint(
            "write `q(z | x, w) = mixture of (normal from x |> …), (normal from w |> …)`, z being no step of a length",
        )
}

pub(crate) fn not_a_component(what: &str, span: Span, why: &str) -> Diagnostic {
    Diagnostic::error("E0485", format!("{what} is no component of a mixture"))
        .at(span, why)
        .hint("mix continuous ones, each with its network: `mixture of (normal from x |> …), (normal from w |> …)`")
}

pub(crate) fn other_component(name: &str, span: Span, first: &str, place: Span) -> Diagnostic {
    Diagnostic::error("E0486", "the components of a mixture are of one distribution with the same arguments")
        .at(span, format!("`{name}`"))
        .and(place, format!("the first one is `{first}`"))
        .hint("write the same distribution for each, with a network of its own")
}

/// A draw with the score gradient below a mixture of experts.
pub(crate) fn score_below_mean(own: &str, span: Span, other: &str, place: Span) -> Diagnostic {
    Diagnostic::error(
        "E0487",
        format!(
            "`{own}` is a mixture, of which every component is drawn, and `{other}` is drawn by its score below it"
        ),
    )
    .at(span, "every component of it is drawn")
    .and(place, format!("`{other}` is drawn by its score below it"))
    .hint(format!(
        "the gain of a draw is not known for each component of `{own}`; draw `{other}` by another method, \
         `draw {other} = relaxed(temperature: 0.5)`, or write a product for `{own}`, `q({own} | …) = (…) * (…)`"
    ))
}
