//! W06: warnings.

use crate::catalog::Least;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(crate) fn unused_flow(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0605", format!("the flow `{name}` is not used"))
        .at(span, "no factor uses it")
        .hint(format!("apply it to a distribution, `standard_normal |> {name}`, or remove it"))
}

pub(crate) fn unused_variable(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0601", format!("no factor reads `{name}`"))
        .at(span, "has no influence on the data")
        .hint("read it in a factor, or remove it")
}

pub(crate) fn squashed_logits(distribution: &str, block: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0607", format!("`{distribution}` reads logits, but its network ends with `{block}`"))
        .at(span, "these numbers are read as logits")
        .hint(format!("omit `{block}`, or give probabilities by name: `{distribution}(probs: …)`"))
}

/// A scale below the least one of the density.
pub(crate) fn scale_underflows(name: &str, least: Least, span: Span) -> Diagnostic {
    let (title, label) = match least {
        Least::Held(least) => (
            format!("`{name}` is smaller than densities allow in single precision"),
            format!("a scale below {least:.1e}, which is used in its place"),
        ),
        Least::Squares(least) => (
            format!("`{name}` is so small that densities overflow in single precision"),
            format!("a scale below {least:.1e}: the square of 1 divided by it is larger than the largest number"),
        ),
    };
    Diagnostic::warning("W0611", title)
        .at(span, label)
        .hint("give a scale in proportion to the data's, or leave it to the network or to `learned`")
}

pub(crate) fn unused_net(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0602", format!("the network `{name}` is never used"))
        .at(span, "its shapes were not checked")
        .hint("use it in a factor, or remove it")
}

pub(crate) fn unused_let(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0606", format!("the value `{name}` is never read"))
        .at(span, "its shapes were not checked")
        .hint("read it in a factor, or remove it")
}

pub(crate) fn unused_param(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0603", format!("the parameter `{name}` is never used"))
        .at(span, "changing it changes nothing")
        .hint("use it as a number, or remove it")
}

pub(crate) fn unused_index(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0608", format!("no statement uses the index `{name}`"))
        .at(span, "no family ranges over it")
        .hint("declare a family over it, such as `latent z[l]` for an index `l`, or remove it")
}

pub(crate) fn unused_table(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0609", format!("no statement reads the table `{name}`"))
        .at(span, "changing its numbers changes nothing")
        .hint("read an entry of it as a number, or remove it")
}

pub(crate) fn unused_length(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0610", format!("nothing ranges over the length `{name}`"))
        .at(span, "no variable is a sequence")
        .hint("let an index range over it, such as `index t in 1..T` for a length `T`, or remove it")
}

pub(crate) fn stray_docs(span: Span) -> Diagnostic {
    Diagnostic::warning("W0604", "this documentation belongs to no statement")
        .at(span, "no statement follows")
        .hint("write `//` for a comment, or move it before a statement")
}
