//! The factorisations and the bound in LaTeX, in the notation of the papers; needs `amsmath`.

mod objective;
mod symbols;

use super::blocks::Over;
use super::bound::{Form, Statement, statements, whole};
use super::ends::Ends;
use super::factors::{Head, factors};
use super::fold::listed_as;
use super::known::marked;
use super::notation::{call, determined, of_role, sure};
use super::terms::{Printed, printed};
use crate::derive::{Presence, is_deterministic, is_global};
use crate::graph::{Body, Factor, Role, Side, VariableId};
use crate::plan::Plan;
use symbols::{plain, symbol};

/// Displays: the factorisations, the bound as one expectation, the bound term by term, and the training objective if it
/// differs from the bound.
pub fn latex(plan: &Plan) -> String {
    let ends = &Ends::of(plan);
    let mut parts = vec![factorisations(plan, ends), one_expectation(plan, ends), term_by_term(plan, ends)];
    parts.extend(objective::objective(plan, ends));
    format!("% Model {}; \\usepackage{{amsmath}}\n{}", plan.model.name, parts.join("\n"))
}

fn align(lines: &[String]) -> String {
    format!("\\begin{{align}}\n  {}\n\\end{{align}}\n", lines.join(" \\\\\n  "))
}

fn factorisations(plan: &Plan, ends: &Ends<'_>) -> String {
    let joint = |side: Side, left: &[VariableId], right: &[VariableId], all: &[Factor]| {
        let bar = if right.is_empty() { String::new() } else { format!(" \\mid {}", symbols(plan, right, ends)) };
        let mut lines = wrapped(product(plan, all, ends).into_iter(), "\\, ", "& \\quad ");
        lines[0] = format!("{}({}{bar}) &= {}", letter(side, false), symbols(plan, left, ends), lines[0]);
        lines
    };
    let given = of_role(plan, &[Role::Given]);
    let mut lines = joint(
        Side::P,
        &of_role(plan, &[Role::Observed, Role::Partly, Role::Latent, Role::Global]),
        &given,
        &plan.model.p,
    );
    if !plan.model.q.is_empty() {
        let data = of_role(plan, &[Role::Observed, Role::Given]);
        let drawn: Vec<VariableId> = of_role(plan, &[Role::Partly, Role::Latent, Role::Global]);
        let drawn: Vec<VariableId> = drawn.into_iter().filter(|id| plan.model.q_of(*id).is_some()).collect();
        lines.extend(joint(Side::Q, &drawn, &data, &plan.model.q));
    }
    for factor in sure(plan).into_iter().chain(determined(plan)) {
        if let Body::Deterministic { function, input } = &factor.body {
            let value = call(function.entry.name, &function.args).replace('_', "\\_");
            let name = |id: VariableId| symbol(&ends.spelling.text(plan.name(id)));
            let (own, input) = (name(factor.variable), name(*input));
            let text = factor_text(plan, factor.side, factor.variable, ends);
            lines.push(format!("{text} &= \\delta\\left({own} - d({input})\\right), \\quad d = \\text{{{value}}}"));
        }
    }
    align(&lines)
}

/// The factors with their numbers of visible letters. Products over an index come last; a long product is printed by its
/// ends.
fn product(plan: &Plan, all: &[Factor], ends: &Ends<'_>) -> Vec<(String, usize)> {
    let (single, families): (Vec<_>, Vec<_>) =
        factors(plan, all.iter(), ends).into_iter().partition(|factor| factor.over.is_none());
    let keys: Vec<String> = single.iter().map(Head::text).collect();
    let shown: Vec<(String, usize)> = single.iter().map(|factor| (of_head(factor), letters(factor))).collect();
    let mut product = listed_as(&keys, &shown, &("\\cdots".to_owned(), 1));
    let mut last = None;
    for factor in &families {
        let sign = factor.over.as_ref().filter(|over| last != Some(*over)).map(|over| ranged("prod", over));
        last = factor.over.as_ref();
        product.push((sign.unwrap_or_default() + &of_head(factor), 2 + letters(factor)));
    }
    product
}

/// `\sum_{l=1}^{12} `.
fn ranged(sign: &str, over: &Over<'_>) -> String {
    let each = over.ranges.iter().map(|own| match &own.ends {
        Some((first, last)) => format!("\\{sign}_{{{}={first}}}^{{{last}}} ", own.index),
        None => {
            let values: Vec<String> = own.values.iter().map(i64::to_string).collect();
            format!("\\{sign}_{{{} \\in \\{{{}\\}}}} ", own.index, values.join(", "))
        }
    });
    each.collect()
}

/// ln p(x) ≥ E_q [ Σ ln p − Σ ln q ]
fn one_expectation(plan: &Plan, ends: &Ends<'_>) -> String {
    let of_sum = summed(plan, ends);
    let first = usize::from(of_sum.is_empty());
    let others = whole(plan).into_iter().filter(|(side, id)| *side == Side::Q || !is_of_sum(plan, *id));
    let others = others.filter_map(|(side, id)| plan.model.factor(side, id));
    let addends = factors(plan, others, ends).into_iter().enumerate().map(|(at, factor)| {
        let at = at + 1 - first;
        let sign = match (at, factor.side) {
            (0, _) => "",
            (_, Side::P) => "+ ",
            (_, Side::Q) => "- ",
        };
        let sum = factor.over.as_ref().map_or_else(String::new, |over| ranged("sum", over));
        let counted = counted(plan, &factor) + share(plan, factor.first);
        let before = if counted.is_empty() { 5 } else { 10 } + if sum.is_empty() { 0 } else { 2 };
        (format!("{sign}{sum}{counted}\\ln {}", of_head(&factor)), before + letters(&factor))
    });
    let mut lines = wrapped(of_sum.into_iter().chain(addends), " ", "& \\qquad ");
    let drawn = plan.model.q.iter().filter(|factor| !is_deterministic(factor));
    let drawn = factors(plan, drawn, ends);
    if !drawn.is_empty() {
        let last = lines.len() - 1;
        // A growing bracket must end in the line in which it begins.
        let (open, close) = if last == 0 { ("\\left[", "\\right]") } else { ("\\bigl[", "\\bigr]") };
        let over = whole_expectation(plan, &drawn, ends);
        lines[0] = format!("\\mathbb{{E}}_{{{over}}} {open} {}", lines[0]);
        lines[last] = format!("{} {close}", lines[last]);
    }
    lines[0] = format!("\\ln {} {}{{}}& {}", evidence(plan, ends), relation(plan), lines[0]);
    align(&lines)
}

/// All factors that q draws; with families their joint distribution.
fn whole_expectation(plan: &Plan, drawn: &[Head<'_>], ends: &Ends<'_>) -> String {
    if drawn.iter().all(|factor| factor.over.is_none()) {
        let keys: Vec<String> = drawn.iter().map(Head::text).collect();
        let shown: Vec<String> = drawn.iter().map(of_head).collect();
        return listed_as(&keys, &shown, &"\\cdots".to_owned()).join("\\, ");
    }
    let of_q = plan.model.q.iter().filter(|factor| !is_deterministic(factor)).map(|factor| factor.variable);
    let mut of_q: Vec<VariableId> = of_q.collect();
    of_q.sort_unstable();
    let data = of_role(plan, &[Role::Observed, Role::Given]);
    let bar = if data.is_empty() { String::new() } else { format!(" \\mid {}", symbols(plan, &data, ends)) };
    format!("{}({}{bar})", letter(Side::Q, false), symbols(plan, &of_q, ends))
}

/// `\ln Σ_{z} p(x | z) p(z)`: the factors of a sum over latents, with their numbers of letters. A long product is printed by
/// its ends.
fn summed(plan: &Plan, ends: &Ends<'_>) -> Vec<(String, usize)> {
    let sum = &plan.model.sum;
    let over: Vec<VariableId> = sum.variables().collect();
    if over.is_empty() {
        return Vec::new();
    }
    let of_sum: Vec<VariableId> = sum.turns.iter().map(|turn| turn.variable).collect();
    let keys: Vec<String> = of_sum.iter().map(|id| plan.factor_text(Side::P, *id)).collect();
    let shown = listed_as(&keys, &of_sum.into_iter().map(Some).collect::<Vec<_>>(), &None);
    let each = shown.into_iter().enumerate().map(|(at, id)| {
        let sign = if at == 0 { format!("\\ln \\sum_{{{}}} ", symbols(plan, &over, ends)) } else { String::new() };
        match id {
            Some(id) => (sign + &factor_text(plan, Side::P, id, ends), 2 + factor_letters(plan, Side::P, id)),
            None => ("\\cdots".to_owned(), 3),
        }
    });
    each.collect()
}

fn is_of_sum(plan: &Plan, id: VariableId) -> bool {
    plan.model.sum.turn_of(id).is_some()
}

/// The maximum number of letters in a line: the width of a column of a paper, or of a phone.
const LETTERS: usize = 36;

/// Joins pieces into lines of limited length, with `first` at the beginning of each line but the first. Each piece
/// comes with its number of visible letters.
fn wrapped(pieces: impl Iterator<Item = (String, usize)>, between: &str, first: &str) -> Vec<String> {
    let (mut lines, mut length) = (vec![String::new()], 0);
    for (piece, letters) in pieces {
        if length > 0 && length + letters > LETTERS {
            lines.push(first.to_owned() + &piece);
            length = letters;
            continue;
        }
        if let Some(line) = lines.last_mut() {
            *line += if length > 0 { between } else { "" };
            *line += &piece;
        }
        length += letters;
    }
    lines
}

/// The number of visible letters of a factor: `p(x | y, z)`.
fn factor_letters(plan: &Plan, side: Side, variable: VariableId) -> usize {
    let parents = plan.model.factor(side, variable).map_or_else(Vec::new, |factor| plan.model.listed(&factor.parents));
    letters_of(plan.name(variable), &parents)
}

fn letters(factor: &Head<'_>) -> usize {
    letters_of(&factor.own, &factor.parents)
}

fn letters_of(own: &str, parents: &[String]) -> usize {
    4 + own.chars().count() + parents.iter().map(|parent| 2 + parent.chars().count()).sum::<usize>()
}

fn term_by_term(plan: &Plan, ends: &Ends<'_>) -> String {
    let statements = statements(plan);
    let mut lines = Vec::new();
    for (at, term) in printed(plan, &statements, ends).iter().enumerate() {
        let statement = &statements[term.at];
        let brace = format!(
            "\\underbrace{{{}}}_{{\\mathrm{{{}}}_{{{}}}}}",
            formula(plan, statement, term),
            term.kind,
            plain(&term.own)
        );
        let presence = statement.term.presence.map(|presence| match presence {
            Presence::There => format!("{} ", indicator(&term.own)),
            Presence::Missing => format!("\\left(1 - {}\\right) ", indicator(&term.own)),
        });
        let sum = term.over.as_ref().map_or_else(String::new, |over| ranged("sum", over));
        let brace = sum + &presence.unwrap_or_default() + &brace;
        lines.push(match (at, statement.adds()) {
            (0, true) => format!("\\ln {} {}{{}}& {brace}", evidence(plan, ends), relation(plan)),
            (0, false) => format!("\\ln {} {}{{}}& -{brace}", evidence(plan, ends), relation(plan)),
            (_, true) => format!("& + {brace}"),
            (_, false) => format!("& - {brace}"),
        });
    }
    align(&lines)
}

fn formula(plan: &Plan, statement: &Statement<'_>, term: &Printed<'_>) -> String {
    let variable = statement.term.variable;
    let certain = |side| plan.model.factor(side, variable).is_some_and(is_deterministic);
    let p = density(letter(Side::P, certain(Side::P) || statement.before.is_some()), &term.own, &term.p);
    let q = density(letter(Side::Q, certain(Side::Q)), &term.own, &term.q);
    let inner = match statement.form {
        Form::LogLikelihood => format!("\\ln {p}"),
        Form::Divergence => {
            format!("{}\\mathrm{{KL}}\\left( {q} \\,\\middle\\|\\, {p} \\right)", share(plan, variable))
        }
        Form::LogRatio => format!("\\ln {q} - \\ln {p}"),
    };
    if term.expectation.is_empty() {
        return inner;
    }
    let heads = || term.expectation.iter().map(|(own, given)| (own.join(", "), given));
    let keys: Vec<String> = heads().map(|(own, given)| super::factors::head("q", &own, given)).collect();
    let shown: Vec<String> = term.expectation.iter().map(|(own, given)| drawn(own, given)).collect();
    let over = listed_as(&keys, &shown, &"\\cdots".to_owned()).join("\\, ");
    format!("\\mathbb{{E}}_{{{over}}} \\left[ {inner} \\right]")
}

/// A factor of an expectation.
fn drawn(own: &[String], given: &[String]) -> String {
    let own: Vec<String> = own.iter().map(|name| symbol(name)).collect();
    let bar = if given.is_empty() { String::new() } else { format!(" \\mid {}", symbols_of(given)) };
    format!("{}({}{bar})", letter(Side::Q, false), own.join(", "))
}

/// A factor with its symbols.
fn density(letter: &str, own: &str, parents: &[String]) -> String {
    let bar = if parents.is_empty() { String::new() } else { format!(" \\mid {}", symbols_of(parents)) };
    format!("{letter}({}{bar})", symbol(own))
}

fn of_head(factor: &Head<'_>) -> String {
    density(letter(factor.side, factor.deterministic), &factor.own, &factor.parents)
}

/// The factor before a term that all N records share.
fn share(plan: &Plan, variable: VariableId) -> &'static str {
    if is_global(&plan.model, variable) { "\\tfrac{1}{N} " } else { "" }
}

/// p(x), or p(x | c) if there are given variables.
fn evidence(plan: &Plan, ends: &Ends<'_>) -> String {
    let bounded = &plan.derivation.bounded;
    let given = &bounded.given;
    let bar = if given.is_empty() { String::new() } else { format!(" \\mid {}", symbols(plan, given, ends)) };
    let keys = ends.listed(plan, &bounded.partly);
    let shown: Vec<String> = keys.iter().map(|name| format!("{}^{{\\mathrm{{obs}}}}", symbol(name))).collect();
    let partly = listed_as(&keys, &shown, &"\\dots".to_owned());
    let all = [symbols(plan, &bounded.of, ends), partly.join(", ")];
    let all: Vec<&str> = all.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    format!("{}({}{bar})", letter(Side::P, false), all.join(", "))
}

/// The factor before the logarithm of a factor that some records lack.
fn counted(plan: &Plan, factor: &Head<'_>) -> String {
    if !plan.derivation.bounded.partly.contains(&factor.first) {
        return String::new();
    }
    match (factor.side, plan.model.q_of(factor.first)) {
        (Side::Q, _) => format!("\\left(1 - {}\\right) ", indicator(&factor.own)),
        (Side::P, None) => format!("{} ", indicator(&factor.own)),
        (Side::P, Some(_)) => String::new(),
    }
}

/// The indicator of a partly observed variable: 1 if it is observed.
fn indicator(name: &str) -> String {
    format!("\\mathbf{{1}}_{{{}}}", plain(name))
}

fn relation(plan: &Plan) -> &'static str {
    if plan.derivation.bounded.exact { "=" } else { "\\geq" }
}

fn factor_text(plan: &Plan, side: Side, variable: VariableId, ends: &Ends<'_>) -> String {
    let factor = match side {
        Side::P => plan.model.p_of(variable),
        Side::Q => plan.model.q_of(variable),
    };
    let parents = factor.map_or_else(Vec::new, |factor| {
        marked(&plan.model, &[factor], ends.spelling.list(plan.model.listed(&factor.parents)))
    });
    let own = ends.spelling.text(plan.name(variable));
    density(letter(side, factor.is_some_and(is_deterministic)), &own, &parents)
}

/// A factor that q determines has no parameters.
fn letter(side: Side, deterministic: bool) -> &'static str {
    match side {
        Side::P => "p_{\\theta}",
        Side::Q if deterministic => "q",
        Side::Q => "q_{\\phi}",
    }
}

fn symbols(plan: &Plan, ids: &[VariableId], ends: &Ends<'_>) -> String {
    symbols_of(&ends.listed(plan, ids))
}

fn symbols_of(keys: &[String]) -> String {
    let shown: Vec<String> = keys.iter().map(|name| symbol(name)).collect();
    listed_as(keys, &shown, &"\\dots".to_owned()).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_formulas_are_broken_between_their_pieces() {
        let pieces = |count: usize| (0..count).map(|at| (format!("a{at}"), 15));
        assert_eq!(wrapped(pieces(2), "\\, ", "& "), ["a0\\, a1"]);
        assert_eq!(wrapped(pieces(5), " + ", "& "), ["a0 + a1", "& a2 + a3", "& a4"]);
        assert_eq!(wrapped(pieces(0), " ", "& "), [""]);
    }
}
