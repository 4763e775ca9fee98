//! E03: arguments, numbers, and the parameters of distributions by name.

use super::elsewhere;
use super::phrases::{count, did_you_mean, meant, quoted};
use crate::catalog::Domain;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(crate) fn unknown_argument<'a>(
    entry: &str,
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let none = format!("`{entry}` has no arguments of this kind");
    let hint = meant(elsewhere::ARGUMENTS, name, known, "its arguments", &none);
    Diagnostic::error("E0301", format!("`{entry}` has no argument `{name}`")).at(span, "unknown argument").hint(hint)
}

/// A name that is neither a parameter nor an argument of a distribution, of which `known` are all.
pub(crate) fn unknown_parameter(entry: &str, name: &str, span: Span, known: &[&str]) -> Diagnostic {
    let hint = match elsewhere::meaning(elsewhere::PARAMETERS, name, known.iter().copied()) {
        Some(meaning) => format!("{meaning}; `{entry}` takes {}", quoted(known.to_vec())),
        None => {
            let none = format!("`{entry}` takes no parameters");
            did_you_mean(name, known.iter().copied(), &format!("`{entry}` takes"), &none)
        }
    };
    Diagnostic::error("E0317", format!("`{entry}` has no parameter `{name}`")).at(span, "unknown parameter").hint(hint)
}

pub(crate) fn missing_argument(entry: &str, name: &str, docs: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0302", format!("`{entry}` needs its argument `{name}`"))
        .at(span, format!("`{name}` is missing"))
        .note(format!("`{name}`: {docs}"))
        .hint(format!("write `{name}: …` among its arguments"))
}

/// `known` are the arguments, `natural` the parameters of a distribution.
pub(crate) fn too_many_arguments(entry: &str, known: &[&str], natural: &[&str], span: Span) -> Diagnostic {
    let most = known.len();
    let hint = match (known, natural) {
        (_, [first, ..]) => format!(
            "the parameters of a distribution are given by name, as in `{entry}({first}: …)`; others come from a network"
        ),
        ([], []) => format!("write `{entry}` without it"),
        (["out"], []) => "its only argument is `out`; the size of the input follows from its shape".to_owned(),
        _ => format!("it takes {}", quoted(known.to_vec())),
    };
    Diagnostic::error("E0303", format!("`{entry}` takes {}", count(most, "argument")))
        .at(span, "one argument too many")
        .hint(hint)
}

pub(crate) fn argument_twice(name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0304", format!("`{name}` is given twice"))
        .at(second, "given again")
        .and(first, "given here first")
        .hint("remove one of the two")
}

pub(crate) fn positional_after_named(span: Span, named: Span) -> Diagnostic {
    Diagnostic::error("E0305", "a positional argument follows a named one")
        .at(span, "positional")
        .and(named, "the first named argument")
        .hint("put it first, or name it")
}

pub(crate) fn wrong_value(entry: &str, name: &str, wanted: &str, found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0306", format!("the argument `{name}` of `{entry}` cannot be {found}"))
        .at(span, format!("this is {found}"))
        .hint(format!("`{name}` is {wanted}"))
}

pub(crate) fn cannot_compute(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0307", format!("this cannot be computed: {what}"))
        .at(span, what)
        .hint("numbers are 64-bit integers and reals, with `+ - * / ( )` and parameters")
}

pub(crate) fn network_for_number(span: Span) -> Diagnostic {
    Diagnostic::error("E0308", "found a network where a number is expected")
        .at(span, "not a number")
        .hint("networks are written right of `from` and inside `concat(…)`; arguments are numbers")
}

pub(crate) fn number_for_network(span: Span) -> Diagnostic {
    Diagnostic::error("E0309", "found a number where a network is expected")
        .at(span, "not a network")
        .hint("begin with a variable, as in `x |> encoder(growth: 16)`")
}

pub(crate) fn sum_as_stage(sign: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0316",
        format!("what stands after a pipe is one block, and `{sign}` binds closer than the pipe"),
    )
    .at(span, "read as one stage")
    .hint(format!("put each side in parentheses: `(a |> conv) {sign} (b |> conv)`"))
}

pub(crate) fn natural_twice(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0513", format!("the parameter `{name}` of the distribution is given twice"))
        .at(span, "given again")
        .hint("give each parameter once, under one of its names")
}

/// `what` is a parameter, in backticks, or another part of the head.
pub(crate) fn natural_unfit(
    place: &str,
    what: &str,
    wanted: &str,
    found: &str,
    remedy: Option<String>,
    span: Span,
) -> Diagnostic {
    Diagnostic::error("E0514", format!("{what} of {place} is {wanted}, not {found}"))
        .at(span, format!("ends at {found}"))
        .hint(format!("a parameter has the shape of its variable; nothing is broadcast{}", remedy.unwrap_or_default()))
}

/// A parameter whose shape is not that of its variable, from `learned` without a shape or from one number.
pub(crate) fn natural_shapeless(place: &str, name: &str, shape: &[usize], found: &str, span: Span) -> Diagnostic {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    let shape = shape.join(", ");
    Diagnostic::error("E0522", format!("`{name}` of {place} is [{shape}], not {found}"))
        .at(span, "the shape is missing")
        .hint(format!("its shape is not that of the variable, so it is written: `learned real[{shape}]`"))
}

/// `found` says how the values lie outside of the domain: "may be negative".
pub(crate) fn natural_domain(name: &str, domain: Domain, found: &str, span: Span) -> Diagnostic {
    let (wanted, hint) = match domain {
        Domain::Real => ("real", "give any number"),
        Domain::Positive => ("positive", "end with `softplus` or `exp`, or give a positive number"),
        Domain::Unit => ("between 0 and 1", "end with `sigmoid`, or give a number between 0 and 1"),
        Domain::Whole => (
            "whole numbers from 0",
            "give a number, or counts of the data: `trials: n` with `given n: count[…]`, of which sums and products are counts too",
        ),
        Domain::Simplex => {
            ("proportions", "end with `softmax`; or write `logits: … |> log` if they add up to 1 by construction")
        }
    };
    Diagnostic::error("E0515", format!("`{name}` must be {wanted}, but this {found}")).at(span, found).hint(hint)
}

/// Whole numbers, such as trials, that are left to a network or learned.
pub(crate) fn natural_of_no_network(distribution: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0523", format!("the `{name}` of `{distribution}` are whole numbers, which nothing yields but the data"))
        .at(span, format!("no `{name}` of the data"))
        .hint(format!(
            "give them by name, `{distribution}({name}: 10) from z |> …`, or `{name}: n` with `given n: count[…]` in the shape of the variable"
        ))
}

/// Some parameters are left to a network, whose number of channels is not a formula of the variable's.
pub(crate) fn natural_uncounted(distribution: &str, span: Span) -> Diagnostic {
    let found = "the sizes of the others follow from the file's parameters in no simple way";
    Diagnostic::error("E0516", format!("`{distribution}` needs either all of its parameters by name or none here"))
        .at(span, found)
        .hint("leave all to the network, give every one, or write the variable's shape and the distribution's arguments as numbers")
}

/// `factor` is the side and the variable of the factor, and `parent` one that it could read.
pub(crate) fn natural_numbers(
    distribution: &str,
    span: Span,
    parent: &str,
    factor: Option<(&str, String)>,
) -> Diagnostic {
    let alone = factor.map_or_else(String::new, |(side, variable)| {
        format!("; a factor that reads nothing has no parents, `{side}({variable}) = …`")
    });
    Diagnostic::error("E0517", format!("every parameter of this `{distribution}` is a number, so it reads nothing"))
        .at(span, "reads no variable")
        .hint(format!(
            "let its parameters read `{parent}`: `{distribution} from {parent} |> …`, or one of them by name{alone}"
        ))
}

pub(crate) fn natural_and_network(distribution: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0518",
        format!("every parameter of this `{distribution}` is given, so this network is not used"),
    )
    .at(span, "not used")
    .hint("remove `from` and the network, or leave one parameter to it, or use it in a parameter: `mean: m + (h |> linear(out: 8))`")
}

pub(crate) fn wrong_setting(name: &str, wanted: &str, found: &str) -> Diagnostic {
    Diagnostic::error("E0310", format!("the parameter `{name}` cannot be {found}"))
        .hint(format!("`{name}` must be {wanted}, like its default"))
}

pub(crate) fn wrong_size(found: &str, span: Span, most: usize) -> Diagnostic {
    Diagnostic::error("E0311", format!("a size cannot be {found}"))
        .at(span, format!("this is {found}"))
        .hint(format!("sizes are whole numbers from 1 to {most}"))
}

pub(crate) fn wrong_rank(space: &str, sizes: &str, least: usize, most: usize, found: usize, span: Span) -> Diagnostic {
    let wanted = if least == most { count(least, "size") } else { format!("{least} to {most} sizes") };
    Diagnostic::error("E0312", format!("`{space}` takes {wanted}, not {found}"))
        .at(span, format!("{} here", count(found, "size")))
        .hint(format!("the sizes are: {sizes}"))
}

/// `is_multiple`: there are several times as many as wanted, as in `f(x[1..3], y[1..3])`.
pub(crate) fn wrong_inputs(name: &str, wanted: &str, found: usize, is_multiple: bool, span: Span) -> Diagnostic {
    let hint = match wanted {
        _ if is_multiple => {
            format!(
                "apply it to each member: with `let e[i] = {name}(a[i], …)` for an index i, `e[1..3]` are its values"
            )
        }
        "one input" => format!("write `a |> {name}`, or `{name}(a, …)` with the input first"),
        "three inputs" => format!("write `{name}(a, b, c)`; a piped value is the first input"),
        _ => format!("write `{name}(a, b)`; a piped value is the first input"),
    };
    Diagnostic::error("E0313", format!("`{name}` reads {wanted}, not {found}"))
        .at(span, format!("{} here", count(found, "input")))
        .hint(hint)
}

pub(crate) fn shape_too_large(span: Span, most: u64) -> Diagnostic {
    Diagnostic::error("E0314", format!("the variable has more than {most} elements"))
        .at(span, "too large")
        .hint("make one of the sizes smaller")
}
