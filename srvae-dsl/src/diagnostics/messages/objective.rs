//! E04: the objective: estimators, gradients of draws, weights and addends.

use super::elsewhere;
use super::phrases::{did_you_mean, meant, quoted};
use crate::diagnostics::{Diagnostic, MOST_ENTRIES, MOST_VALUES};
use crate::source::Span;

pub(crate) fn draw_of_codes(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0481", format!("`{name}` is a nearest code, for which there is only one gradient estimator"))
        .at(span, "not this one")
        .hint(format!("write `draw {name} = straight_through`"))
}

pub(crate) fn draw_that_jumps(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0482", format!("`{name}` is drawn from a mixture, for which there is only the score gradient"))
        .at(span, "not this one")
        .hint(format!("write `draw {name} = score`"))
}

pub(crate) fn no_closed_form(term: &str, span: Span, reason: &str, place: Span) -> Diagnostic {
    Diagnostic::error("E0422", format!("{term} has no closed form"))
        .at(span, "asked for here")
        .and(place, reason)
        .note("KL has a closed form for some pairs of distributions, if neither has a flow and p reads nothing that q draws later")
        .hint("write `monte_carlo`, or remove the statement")
}

/// q draws values outside of the interval in which p has a density.
pub(crate) fn wider_than_p(name: &str, q: Span, entry: &str, (p, [low, high]): (Span, [f64; 2])) -> Diagnostic {
    Diagnostic::error("E0453", format!("q draws values of `{name}` at which p has no density, so the bound is −∞"))
        .at(q, format!("`{entry}` has values outside of [{low}, {high}]"))
        .and(p, "has none")
        .hint(format!(
            "let q be `uniform` between the same numbers, or p a distribution with a density at every number, such as `normal`; for \
             proportions declare `latent {name}: unit[…]`, with `beta` on both sides"
        ))
}

/// p has a number of trials, and q may draw more successes.
pub(crate) fn more_than_trials(name: &str, q: Span, p: Span) -> Diagnostic {
    Diagnostic::error("E0454", format!("q may draw more successes of `{name}` than p has trials, so the bound is −∞"))
        .at(q, "may be more than these trials")
        .and(p, "has no value above its trials")
        .hint("let q be `binomial` with the same `trials: …`, a number or one variable")
}

pub(crate) fn bound_twice(term: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0424", format!("the estimator of {term} is chosen twice"))
        .at(second, "again")
        .and(first, "here first")
        .hint("remove one of the two")
}

/// `able` are the methods that the variable can have.
pub(crate) fn draw_missing(name: &str, span: Span, able: &[&str]) -> Diagnostic {
    let statements = able.iter().map(|method| match *method {
        "relaxed" => format!("`draw {name} = relaxed(temperature: 0.5)`"),
        method => format!("`draw {name} = {method}`"),
    });
    let statements: Vec<_> = statements.collect();
    Diagnostic::error("E0427", format!("q's draws of `{name}` have no gradient"))
        .at(span, "would be trained without a gradient")
        .hint(format!("state how it is estimated: {}", statements.join(", ")))
}

pub(crate) fn draw_needless(name: &str, span: Span, why: &str) -> Diagnostic {
    Diagnostic::error("E0428", format!("`draw {name}` is not needed: {why}"))
        .at(span, "not a draw of q without a gradient")
        .hint("remove the statement")
}

pub(crate) fn draw_twice(name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0429", format!("the gradient of `{name}` is chosen twice"))
        .at(second, "again")
        .and(first, "here first")
        .hint("remove one of the two")
}

pub(crate) fn unknown_draw(name: &str, span: Span, known: [&'static str; 4]) -> Diagnostic {
    Diagnostic::error("E0430", format!("no draw method is called `{name}`")).at(span, "unknown").hint(meant(
        elsewhere::DRAWS,
        name,
        known,
        "methods",
        "",
    ))
}

pub(crate) fn too_many_values(name: &str, space: &str, span: Span, others: &[&str]) -> Diagnostic {
    let title = format!("the {space} variable `{name}` has too many values to enumerate");
    Diagnostic::error("E0431", title)
        .at(span, format!("a sum over more than {MOST_VALUES} values"))
        .hint(format!("choose {}", quoted(others.iter().copied())))
}

pub(crate) fn no_relaxation(name: &str, space: &str, span: Span, others: &[&str]) -> Diagnostic {
    Diagnostic::error("E0450", format!("the {space} variable `{name}` has no relaxation"))
        .at(span, "counts have no continuous relaxation")
        .hint(format!("choose {}", quoted(others.iter().copied())))
}

pub(crate) fn draw_into_function(name: &str, span: Span, function: &str, place: Span) -> Diagnostic {
    Diagnostic::error("E0432", format!("`{function}` is a function of `{name}`, and a function has no gradient"))
        .at(span, "this gradient would end at the function")
        .and(place, "this function")
        .hint(format!("write `draw {name} = score`, which needs none"))
}

pub(crate) fn score_below_enumerate(name: &str, span: Span, below: &str, place: Span) -> Diagnostic {
    Diagnostic::error(
        "E0433",
        format!("`{below}` has the score gradient, but depends on `{name}`, which is enumerated"),
    )
    .at(span, "enumerated here")
    .and(place, "drawn once for each of these values")
    .hint(format!("enumerate `{below}` too, or use `score` for both"))
}

pub(crate) fn baseline_is_no_value(variable: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0488", format!("the baseline of `{variable}` is not a value of the file"))
        .at(span, "not the name of a `let`")
        .hint(format!(
            "name it: `let b = x |> linear(out: 64) |> tanh |> linear(out: 1)`, and write `draw {variable} = score(baseline: b)`"
        ))
}

pub(crate) fn baseline_shape(name: &str, shape: &str, span: Span, defined: Span) -> Diagnostic {
    Diagnostic::error("E0489", format!("a baseline is one number per record, but `{name}` is {shape}"))
        .at(span, "read as a baseline")
        .and(defined, format!("of shape {shape}"))
        .hint("end it with `linear(out: 1)`")
}

pub(crate) fn baseline_depends(name: &str, variable: &str, read: &str, span: Span, defined: Span) -> Diagnostic {
    let (title, hint) = match read == variable {
        true => (format!("the baseline `{name}` of `{variable}` reads `{variable}` itself"), String::new()),
        false => (
            format!("the baseline `{name}` of `{variable}` reads `{read}`, which q draws from `{variable}`"),
            format!(" or `{read}`"),
        ),
    };
    Diagnostic::error("E0490", title)
        .at(span, "the gradient would be biased")
        .and(defined, format!("reads `{read}`"))
        .hint(format!("a baseline reads data and what q draws without `{variable}`: remove `{variable}`{hint} from it"))
}

pub(crate) fn baseline_of_values(name: &str, read: &str, span: Span, defined: Span) -> Diagnostic {
    Diagnostic::error("E0491", format!("the baseline `{name}` depends on `{read}`, over whose values the bound sums"))
        .at(span, "needs one number per record")
        .and(defined, format!("one number for each value of `{read}`"))
        .hint(format!("remove `{read}` from `{name}`"))
}

pub(crate) fn baseline_shares(name: &str, other: &str, span: Span, defined: Span) -> Diagnostic {
    let (title, hint) = match name == other {
        true => (
            format!("`{name}` is a baseline, and the model reads it too"),
            format!(
                "state a value of its own for the baseline; it may read `{name}`, which then has no gradient from there"
            ),
        ),
        false => (
            format!("the baseline `{name}` uses the network `{other}`, and the model uses it too"),
            format!(
                "give the baseline a network of its own, or let it read a value (`let`) that `{other}` yields, which then has no gradient from there"
            ),
        ),
    };
    Diagnostic::error("E0492", title)
        .at(span, "fitting the baseline would train the model")
        .and(defined, "these parameters would be shared")
        .hint(hint)
}

pub(crate) fn too_many_together(product: usize, has_mixture: bool, span: Span) -> Diagnostic {
    let (what, hint) = match has_mixture {
        true => (
            "combinations of values and components of mixtures",
            "use another method for one of them, or write a product of experts, `(…) * (…)`, in place of a mixture",
        ),
        false => (
            "combinations of values",
            "use another method for one of them; latents without factors of q are summed out one by one",
        ),
    };
    Diagnostic::error("E0434", format!("the enumerated variables have {product} {what}"))
        .at(span, format!("more than {MOST_VALUES}"))
        .hint(hint)
}

/// The steps of a sequence are enumerated, and a factor depends on the values of two variables, one of which may be a mixture.
pub(crate) fn enumerated_steps(
    name: &str,
    span: Span,
    (reader, place, between): (&str, Span, [&str; 2]),
    mixture: Option<&str>,
) -> Diagnostic {
    let [one, other] = between;
    let hint = match mixture {
        Some(mixture) => format!(
            "draw `{name}` by another method, `relaxed(temperature: 0.5)`, or write a product for `{mixture}`, \
             `q({mixture} | …) = (…) * (…)`"
        ),
        None => format!(
            "remove the factor of q of `{name}`, so that it is summed out of p step by step, or draw it by another method, \
             `relaxed(temperature: 0.5)` or `score`"
        ),
    };
    Diagnostic::error("E0499", format!("the steps of `{name}` cannot be enumerated one by one"))
        .at(span, "the combinations of its values multiply with the steps")
        .and(place, format!("{reader} depends on the values of `{one}` and `{other}`"))
        .hint(hint)
}

pub(crate) fn not_summed(name: &str, space: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0498", format!("the {space} variable `{name}` cannot be summed out"))
        .at(span, format!("q has no factor for `{name}`, so this is a sum over its values"))
        .note(format!(
            "labels and binary variables with at most {MOST_VALUES} values can, if p draws them without a flow"
        ))
        .hint(format!("write a factor `q({name} | …) = …`"))
}

pub(crate) fn summed_read_by_q(own: &str, span: Span, read: &str, is_partly: bool) -> Diagnostic {
    let expert = match is_partly {
        true => format!(
            ", or read `known({read})`, or read it in an expert of a product, which drops out where it is missing"
        ),
        false => String::new(),
    };
    Diagnostic::error("E0494", format!("q draws `{own}` from `{read}`, which is summed out"))
        .at(span, format!("`{read}` has no value here"))
        .hint(format!("remove `{read}` from this factor, or write a factor `q({read} | …) = …`{expert}"))
}

pub(crate) fn summed_beside(own: &str, span: Span, other: &str, place: Span) -> Diagnostic {
    Diagnostic::error("E0495", format!("`{own}` is summed out beside a sum over `{other}` in q"))
        .at(span, "one sum")
        .and(place, "another one")
        .hint(format!("remove q's factor of `{other}`, or write one for `{own}`"))
}

/// `over` are the variables of the largest table.
pub(crate) fn sum_too_large(over: &[&str], size: usize, span: Span, place: Span) -> Diagnostic {
    let over = crate::graph::in_ranges(over.iter().copied());
    let names = match over.as_slice() {
        [first, .., last] if over.len() > 6 => format!("`{first}`, …, `{last}`"),
        _ => quoted(over.iter().map(String::as_str)),
    };
    let size = if size == usize::MAX { "too many".to_owned() } else { size.to_string() };
    Diagnostic::error("E0496", format!("the exact sum needs tables with {size} combinations of values"))
        .at(span, format!("summed out, with more than {MOST_ENTRIES} combinations at a time"))
        .and(place, format!("with this factor, {names} are in one table"))
        .note("a variable stays in the table until the last factor that reads it, or a value that depends on it, has joined")
        .hint("let fewer factors read each variable (along a chain only the next step does), take fewer values, or write factors of q")
}

pub(crate) fn summed_addend(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0497", format!("ln p of `{name}` depends on variables that are summed out"))
        .at(span, "has one value for each of theirs")
        .hint("remove the statement")
}

pub(crate) fn unknown_weight<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error("E0435", format!("the bound has no term `{name}` to be weighted"))
        .at(span, "unknown term")
        .hint(did_you_mean(name, known, "its terms", "remove the statement"))
}

pub(crate) fn weight_twice(term: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0436", format!("{term} is weighted twice"))
        .at(second, "again")
        .and(first, "here first")
        .hint("combine them into one statement: weights may be multiplied, as in `0.5 * ramp(400)`")
}

pub(crate) fn unknown_weighting(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0437", format!("no weight is called `{name}`"))
        .at(span, "unknown")
        .hint("a weight is a number, `ramp(…)`, `free(…)` or a product of them")
}

pub(crate) fn ramp_length(span: Span) -> Diagnostic {
    Diagnostic::error("E0438", "a ramp needs a number of passes or of steps")
        .at(span, "neither of the two")
        .hint("write `ramp(passes: 400)`, in short `ramp(400)`, or `ramp(steps: 400)`; a weight has at most one ramp")
}

pub(crate) fn free_nats(span: Span) -> Diagnostic {
    Diagnostic::error("E0439", "`free` needs a positive number of nats")
        .at(span, "not a positive number")
        .hint("write `free(nats: 0.25)`, at most once in a weight")
}

pub(crate) fn free_reconstruction(term: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0440", format!("{term} is a log-likelihood, but free nats are only for divergences"))
        .at(span, "free nats here")
        .hint("weight a KL term, or write a number or a ramp")
}

pub(crate) fn negative_weight(term: &str, span: Span, value: f64) -> Diagnostic {
    Diagnostic::error("E0441", format!("the weight of {term} is {value}, but a weight must not be negative"))
        .at(span, "below 0")
        .hint("a weight is 0 or more")
}

pub(crate) fn weight_is_no_number(found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0442", format!("a weight is a number, not {found}"))
        .at(span, "not a number")
        .hint("write a number, or the name of a `param` that is one")
}

pub(crate) fn no_such_factor(side: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0443", format!("{side} has no factor for `{name}` whose logarithm could be added"))
        .at(span, "no such factor")
        .hint("`objective` takes ln of a factor that the file states")
}

pub(crate) fn other_parents(head: &str, span: Span, factor: Span) -> Diagnostic {
    Diagnostic::error("E0444", "the added factor has other parents in the file")
        .at(span, "other parents")
        .and(factor, "the factor")
        .hint(format!("write `ln {head}`"))
}

pub(crate) fn log_of_function(name: &str, span: Span, factor: Span) -> Diagnostic {
    Diagnostic::error("E0445", format!("q determines `{name}`: the logarithm of a function's factor is always 0"))
        .at(span, "adds nothing")
        .and(factor, "a function")
        .hint("remove the statement")
}
