//! The factorisations and the bound in LaTeX, in the notation of the papers; needs `amsmath`.

use super::bound::{Form, Statement, statements, whole};
use super::fold::listed_as;
use super::notation::{call, determined, of_role, sure};
use crate::derive::{Presence, TermKind, is_deterministic, is_global};
use crate::graph::{Body, Role, Side, VariableId, Weight};
use crate::plan::Plan;

/// Greek names that LaTeX has a command for.
const GREEK: [&str; 23] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
];

/// Displays: the factorisations, the bound as one expectation, the bound term by term, and the training objective if it
/// differs from the bound.
pub fn latex(plan: &Plan) -> String {
    let mut parts = vec![factorisations(plan), one_expectation(plan), term_by_term(plan)];
    parts.extend(objective(plan));
    format!("% Model {}; \\usepackage{{amsmath}}\n{}", plan.model.name, parts.join("\n"))
}

fn align(lines: &[String]) -> String {
    format!("\\begin{{align}}\n  {}\n\\end{{align}}\n", lines.join(" \\\\\n  "))
}

fn factorisations(plan: &Plan) -> String {
    let joint = |side: Side, left: &[VariableId], right: &[VariableId], factors: &[crate::graph::Factor]| {
        let bar = if right.is_empty() { String::new() } else { format!(" \\mid {}", symbols(plan, right)) };
        let keys: Vec<String> = factors.iter().map(|factor| plan.factor_text(side, factor.variable)).collect();
        let product: Vec<(String, usize)> = factors
            .iter()
            .map(|factor| (factor_text(plan, side, factor.variable), factor_letters(plan, side, factor.variable)))
            .collect();
        let product = listed_as(&keys, &product, &("\\cdots".to_owned(), 1));
        let mut lines = wrapped(product.into_iter(), "\\, ", "& \\quad ");
        lines[0] = format!("{}({}{bar}) &= {}", letter(side, false), symbols(plan, left), lines[0]);
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
            let (own, input) = (symbol(plan.name(factor.variable)), symbol(plan.name(*input)));
            let text = factor_text(plan, factor.side, factor.variable);
            lines.push(format!("{text} &= \\delta\\left({own} - d({input})\\right), \\quad d = \\text{{{value}}}"));
        }
    }
    align(&lines)
}

/// ln p(x) ≥ E_q [ Σ ln p − Σ ln q ]
fn one_expectation(plan: &Plan) -> String {
    let drawn: Vec<_> = plan.model.q.iter().filter(|factor| !is_deterministic(factor)).collect();
    let over: Vec<VariableId> = drawn.iter().map(|factor| factor.variable).collect();
    let of_sum = summed(plan);
    let first = usize::from(of_sum.is_empty());
    let others = whole(plan).into_iter().filter(|(side, id)| *side == Side::Q || !is_of_sum(plan, *id));
    let addends = others.enumerate().map(|(at, (side, variable))| {
        let at = at + 1 - first;
        let sign = match (at, side) {
            (0, _) => "",
            (_, Side::P) => "+ ",
            (_, Side::Q) => "- ",
        };
        let counted = counted(plan, side, variable) + share(plan, variable);
        let letters = if counted.is_empty() { 5 } else { 10 };
        let text = format!("{sign}{counted}\\ln {}", factor_text(plan, side, variable));
        (text, letters + factor_letters(plan, side, variable))
    });
    let keys: Vec<String> = over.iter().map(|id| plan.factor_text(Side::Q, *id)).collect();
    let over = listed_as(&keys, &over.into_iter().map(Some).collect::<Vec<_>>(), &None);
    let mut lines = wrapped(of_sum.into_iter().chain(addends), " ", "& \\qquad ");
    if !over.is_empty() {
        let last = lines.len() - 1;
        // A growing bracket must end in the line in which it begins.
        let (open, close) = if last == 0 { ("\\left[", "\\right]") } else { ("\\bigl[", "\\bigr]") };
        lines[0] = format!("{} {open} {}", expectation(plan, &over), lines[0]);
        lines[last] = format!("{} {close}", lines[last]);
    }
    lines[0] = format!("\\ln {} {}{{}}& {}", evidence(plan), relation(plan), lines[0]);
    align(&lines)
}

/// `\ln Σ_{z} p(x | z) p(z)`: the factors of a sum over latents, with their numbers of letters. A long product is printed by
/// its ends.
fn summed(plan: &Plan) -> Vec<(String, usize)> {
    let sum = &plan.model.sum;
    let over: Vec<VariableId> = sum.variables().collect();
    if over.is_empty() {
        return Vec::new();
    }
    let of_sum: Vec<VariableId> = sum.turns.iter().map(|turn| turn.variable).collect();
    let keys: Vec<String> = of_sum.iter().map(|id| plan.factor_text(Side::P, *id)).collect();
    let shown = listed_as(&keys, &of_sum.into_iter().map(Some).collect::<Vec<_>>(), &None);
    let each = shown.into_iter().enumerate().map(|(at, id)| {
        let sign = if at == 0 { format!("\\ln \\sum_{{{}}} ", symbols(plan, &over)) } else { String::new() };
        match id {
            Some(id) => (sign + &factor_text(plan, Side::P, id), 2 + factor_letters(plan, Side::P, id)),
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
    let factor = match side {
        Side::P => plan.model.p_of(variable),
        Side::Q => plan.model.q_of(variable),
    };
    let parents = factor.into_iter().flat_map(|factor| factor.parents.iter());
    let names = parents.map(|parent| 2 + plan.name(parent).chars().count());
    4 + plan.name(variable).chars().count() + names.sum::<usize>()
}

fn term_by_term(plan: &Plan) -> String {
    let statements = statements(plan);
    let mut lines = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        let (kind, name) = statement.term.name.split_once('_').unwrap_or((&statement.term.name, ""));
        let brace = format!("\\underbrace{{{}}}_{{\\mathrm{{{kind}}}_{{{}}}}}", formula(plan, statement), plain(name));
        let presence = statement.term.presence.map(|presence| match presence {
            Presence::There => format!("{} ", indicator(plan, statement.term.variable)),
            Presence::Missing => format!("\\left(1 - {}\\right) ", indicator(plan, statement.term.variable)),
        });
        let brace = presence.unwrap_or_default() + &brace;
        lines.push(match (at, statement.adds()) {
            (0, true) => format!("\\ln {} {}{{}}& {brace}", evidence(plan), relation(plan)),
            (0, false) => format!("\\ln {} {}{{}}& -{brace}", evidence(plan), relation(plan)),
            (_, true) => format!("& + {brace}"),
            (_, false) => format!("& - {brace}"),
        });
    }
    align(&lines)
}

fn formula(plan: &Plan, statement: &Statement<'_>) -> String {
    let variable = statement.term.variable;
    let (p, q) = (factor_text(plan, Side::P, variable), factor_text(plan, Side::Q, variable));
    let p = match &statement.before {
        Some(before) if before.is_empty() => format!("{}({})", letter(Side::P, false), symbol(plan.name(variable))),
        Some(before) => {
            format!("{}({} \\mid {})", letter(Side::P, false), symbol(plan.name(variable)), symbols(plan, before))
        }
        None => p,
    };
    let inner = match statement.form {
        Form::LogLikelihood => format!("\\ln {p}"),
        Form::Divergence => {
            format!("{}\\mathrm{{KL}}\\left( {q} \\,\\middle\\|\\, {p} \\right)", share(plan, variable))
        }
        Form::LogRatio => format!("\\ln {q} - \\ln {p}"),
    };
    if statement.over.is_empty() {
        return inner;
    }
    format!("{} \\left[ {inner} \\right]", expectation(plan, &statement.shown))
}

/// The factor before a term that all N records share.
fn share(plan: &Plan, variable: VariableId) -> &'static str {
    if is_global(&plan.model, variable) { "\\tfrac{1}{N} " } else { "" }
}

/// The drawn factors of an expectation. A long sequence is printed by its ends.
fn expectation(plan: &Plan, shown: &[Option<VariableId>]) -> String {
    let factor = |id: &Option<VariableId>| id.map_or_else(|| "\\cdots".to_owned(), |id| factor_text(plan, Side::Q, id));
    format!("\\mathbb{{E}}_{{{}}}", shown.iter().map(factor).collect::<Vec<_>>().join("\\, "))
}

/// p(x), or p(x | c) if there are given variables.
fn evidence(plan: &Plan) -> String {
    let bounded = &plan.derivation.bounded;
    let given = &bounded.given;
    let bar = if given.is_empty() { String::new() } else { format!(" \\mid {}", symbols(plan, given)) };
    let partly = bounded.partly.iter().map(|id| format!("{}^{{\\mathrm{{obs}}}}", symbol(plan.name(*id))));
    let partly: Vec<String> = partly.collect();
    let all = [symbols(plan, &bounded.of), partly.join(", ")];
    let all: Vec<&str> = all.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    format!("{}({}{bar})", letter(Side::P, false), all.join(", "))
}

/// The factor before the logarithm of a factor that some records lack.
fn counted(plan: &Plan, side: Side, variable: VariableId) -> String {
    if !plan.derivation.bounded.partly.contains(&variable) {
        return String::new();
    }
    match (side, plan.model.q_of(variable)) {
        (Side::Q, _) => format!("\\left(1 - {}\\right) ", indicator(plan, variable)),
        (Side::P, None) => format!("{} ", indicator(plan, variable)),
        (Side::P, Some(_)) => String::new(),
    }
}

/// The indicator of a partly observed variable: 1 if it is observed.
fn indicator(plan: &Plan, id: VariableId) -> String {
    format!("\\mathbf{{1}}_{{{}}}", plain(plan.name(id)))
}

/// The training objective, if it differs from the bound.
fn objective(plan: &Plan) -> Option<String> {
    if plan.derivation.objective.is_plain {
        return None;
    }
    let mut lines = Vec::new();
    for (at, term) in plan.derivation.terms.iter().enumerate() {
        let (kind, name) = term.name.split_once('_').unwrap_or((&term.name, ""));
        let own = format!("\\mathrm{{{kind}}}_{{{}}}", plain(name));
        let weight = plan.model.weights.iter().find(|weight| weight.term == term.name);
        let sign = match (at, term.kind == TermKind::Reconstruction) {
            (0, true) => "",
            (_, true) => "+ ",
            (_, false) => "- ",
        };
        lines.push(format!("{sign}{}", weight.map_or(own.clone(), |weight| weighted(weight, &own))));
    }
    for addend in &plan.model.addends {
        let (sign, scale) =
            if addend.scale.value < 0.0 { ("-", -addend.scale.value) } else { ("+", addend.scale.value) };
        let scale = if scale == 1.0 { String::new() } else { format!("{scale} \\, ") };
        let condition = addend.condition.map_or_else(String::new, |id| format!("{} ", indicator(plan, id)));
        lines.push(format!("{sign} {scale}{condition}\\ln {}", factor_text(plan, addend.side, addend.variable)));
    }
    lines[0] = format!("\\mathcal{{L}} = {{}}& {}", lines[0]);
    lines.iter_mut().skip(1).for_each(|line| *line = format!("& {line}"));
    Some(align(&lines))
}

/// A term with its weight. t counts in the ramp's unit.
fn weighted(weight: &Weight, term: &str) -> String {
    let scale = (weight.scale.value != 1.0).then(|| format!("{} \\, ", weight.scale.value));
    let ramp = weight
        .ramp
        .as_ref()
        .map(|ramp| format!("\\min\\left(1, t_{{\\text{{{}}}}} / {}\\right) ", ramp.unit.name(), ramp.length.value));
    let term = match &weight.free {
        Some(free) => format!("\\max\\left({}, {term}\\right)", free.value),
        None => term.to_owned(),
    };
    [scale, ramp, Some(term)].into_iter().flatten().collect()
}

fn relation(plan: &Plan) -> &'static str {
    if plan.derivation.bounded.exact { "=" } else { "\\geq" }
}

fn factor_text(plan: &Plan, side: Side, variable: VariableId) -> String {
    let factor = match side {
        Side::P => plan.model.p_of(variable),
        Side::Q => plan.model.q_of(variable),
    };
    let parents = factor.map_or_else(Vec::new, |factor| plan.model.listed(&factor.parents));
    let bar = if parents.is_empty() { String::new() } else { format!(" \\mid {}", symbols_of(&parents)) };
    let letter = letter(side, factor.is_some_and(is_deterministic));
    format!("{letter}({}{bar})", symbol(plan.name(variable)))
}

/// A factor that q determines has no parameters.
fn letter(side: Side, deterministic: bool) -> &'static str {
    match side {
        Side::P => "p_{\\theta}",
        Side::Q if deterministic => "q",
        Side::Q => "q_{\\phi}",
    }
}

fn symbols(plan: &Plan, ids: &[VariableId]) -> String {
    symbols_of(&crate::graph::in_ranges(ids.iter().map(|id| plan.name(*id))))
}

fn symbols_of(keys: &[String]) -> String {
    let shown: Vec<String> = keys.iter().map(|name| symbol(name)).collect();
    listed_as(keys, &shown, &"\\dots".to_owned()).join(", ")
}

/// `z` → `\mathbf{z}`, `z1` → `\mathbf{z}_{1}`, `z_top` → `\mathbf{z}_{\mathrm{top}}`, `theta` → `\boldsymbol{\theta}`.
fn symbol(name: &str) -> String {
    let (base, index) = super::notation::split_name(name);
    let base = if GREEK.contains(&base) { format!("\\boldsymbol{{\\{base}}}") } else { format!("\\mathbf{{{base}}}") };
    match index {
        "" => base,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b',') => format!("{base}_{{{digits}}}"),
        range if range.contains("..") => format!("{base}_{{{}}}", range.replace("..", ":")),
        words => format!("{base}_{{\\mathrm{{{}}}}}", words.replace('_', "\\_")),
    }
}

/// The symbol without bold type, as an index.
fn plain(name: &str) -> String {
    let (base, index) = super::notation::split_name(name);
    let base = if GREEK.contains(&base) { format!("\\{base}") } else { base.to_owned() };
    let base = if base.len() > 1 && !base.starts_with('\\') { format!("\\mathrm{{{base}}}") } else { base };
    if index.is_empty() { base } else { format!("{base}_{{{}}}", index.replace('_', "\\_")) }
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

    #[test]
    fn names_become_symbols() {
        assert_eq!(symbol("z"), "\\mathbf{z}");
        assert_eq!(symbol("z12"), "\\mathbf{z}_{12}");
        assert_eq!(symbol("z_top"), "\\mathbf{z}_{\\mathrm{top}}");
        assert_eq!(symbol("theta"), "\\boldsymbol{\\theta}");
        assert_eq!([plain("x"), plain("z1"), plain("mask")], ["x", "z_{1}", "\\mathrm{mask}"]);
    }
}
