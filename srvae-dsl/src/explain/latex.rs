//! The factorisations and the bound in LaTeX, in the notation of the papers; needs `amsmath`.

use super::bound::{Form, Statement, statements, whole};
use super::fold::listed_as;
use super::notation::{call, determined, of_role};
use crate::derive::is_deterministic;
use crate::graph::{Body, Role, Side, VariableId};
use crate::plan::Plan;

/// Greek names that LaTeX has a command for.
const GREEK: [&str; 23] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
];

/// Three displays: the factorisations, the bound as one expectation, the bound term by term.
pub fn latex(plan: &Plan) -> String {
    let parts = [factorisations(plan), one_expectation(plan), term_by_term(plan)];
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
    let mut lines = joint(Side::P, &of_role(plan, &[Role::Observed, Role::Latent]), &given, &plan.model.p);
    if !plan.model.q.is_empty() {
        let data = of_role(plan, &[Role::Observed, Role::Given]);
        lines.extend(joint(Side::Q, &of_role(plan, &[Role::Latent]), &data, &plan.model.q));
    }
    for factor in determined(plan) {
        if let Body::Deterministic { function, input } = &factor.body {
            let value = call(function.entry.name, &function.args).replace('_', "\\_");
            let (own, input) = (symbol(plan.name(factor.variable)), symbol(plan.name(*input)));
            let text = factor_text(plan, Side::Q, factor.variable);
            lines.push(format!("{text} &= \\delta\\left({own} - d({input})\\right), \\quad d = \\text{{{value}}}"));
        }
    }
    align(&lines)
}

/// ln p(x) ≥ E_q [ Σ ln p − Σ ln q ]
fn one_expectation(plan: &Plan) -> String {
    let drawn: Vec<_> = plan.model.q.iter().filter(|factor| !is_deterministic(factor)).collect();
    let over: Vec<VariableId> = drawn.iter().map(|factor| factor.variable).collect();
    let addends = whole(plan).into_iter().enumerate().map(|(at, (side, variable))| {
        let sign = match (at, side) {
            (0, _) => "",
            (_, Side::P) => "+ ",
            (_, Side::Q) => "- ",
        };
        (format!("{sign}\\ln {}", factor_text(plan, side, variable)), 5 + factor_letters(plan, side, variable))
    });
    let mut lines = wrapped(addends, " ", "& \\qquad ");
    if !over.is_empty() {
        let last = lines.len() - 1;
        // A bracket that grows must end in the line it began in.
        let (open, close) = if last == 0 { ("\\left[", "\\right]") } else { ("\\bigl[", "\\bigr]") };
        lines[0] = format!("{} {open} {}", expectation(plan, &over), lines[0]);
        lines[last] = format!("{} {close}", lines[last]);
    }
    lines[0] = format!("\\ln {} {}{{}}& {}", evidence(plan), relation(plan), lines[0]);
    align(&lines)
}

/// Letters of a line at most: what a column of a paper, or a phone, is wide.
const LETTERS: usize = 36;

/// Pieces joined into lines that are not too long, `first` before each line but the first. Each piece comes with the
/// letters it shows.
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

/// Letters that a factor shows: `p(x | y, z)`.
fn factor_letters(plan: &Plan, side: Side, variable: VariableId) -> usize {
    let factor = match side {
        Side::P => plan.model.p_of(variable),
        Side::Q => plan.model.q_of(variable),
    };
    let parents = factor.map_or(&[][..], |factor| &factor.parents);
    let names = parents.iter().map(|parent| 2 + plan.name(*parent).chars().count());
    4 + plan.name(variable).chars().count() + names.sum::<usize>()
}

fn term_by_term(plan: &Plan) -> String {
    let statements = statements(plan);
    let mut lines = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        let (kind, name) = statement.term.name.split_once('_').unwrap_or((&statement.term.name, ""));
        let brace = format!("\\underbrace{{{}}}_{{\\mathrm{{{kind}}}_{{{}}}}}", formula(plan, statement), plain(name));
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
    let inner = match statement.form {
        Form::LogLikelihood => format!("\\ln {p}"),
        Form::Divergence => format!("\\mathrm{{KL}}\\left( {q} \\,\\middle\\|\\, {p} \\right)"),
        Form::LogRatio => format!("\\ln {q} - \\ln {p}"),
    };
    if statement.over.is_empty() {
        return inner;
    }
    format!("{} \\left[ {inner} \\right]", expectation(plan, &statement.over))
}

fn expectation(plan: &Plan, over: &[VariableId]) -> String {
    format!("\\mathbb{{E}}_{{{}}}", product(plan, Side::Q, over))
}

/// Factors side by side, those of a long sequence by its ends.
fn product(plan: &Plan, side: Side, of: &[VariableId]) -> String {
    let keys: Vec<String> = of.iter().map(|id| plan.factor_text(side, *id)).collect();
    let shown: Vec<String> = of.iter().map(|id| factor_text(plan, side, *id)).collect();
    listed_as(&keys, &shown, &"\\cdots".to_owned()).join("\\, ")
}

/// p(x), or p(x | c) where something is given.
fn evidence(plan: &Plan) -> String {
    let bounded = &plan.derivation.bounded;
    let given = &bounded.given;
    let bar = if given.is_empty() { String::new() } else { format!(" \\mid {}", symbols(plan, given)) };
    format!("{}({}{bar})", letter(Side::P, false), symbols(plan, &bounded.of))
}

fn relation(plan: &Plan) -> &'static str {
    if plan.derivation.bounded.exact { "=" } else { "\\geq" }
}

fn factor_text(plan: &Plan, side: Side, variable: VariableId) -> String {
    let factor = match side {
        Side::P => plan.model.p_of(variable),
        Side::Q => plan.model.q_of(variable),
    };
    let parents = factor.map_or(&[][..], |factor| &factor.parents);
    let bar = if parents.is_empty() { String::new() } else { format!(" \\mid {}", symbols(plan, parents)) };
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
    let keys: Vec<String> = ids.iter().map(|id| plan.name(*id).to_owned()).collect();
    let shown: Vec<String> = keys.iter().map(|name| symbol(name)).collect();
    listed_as(&keys, &shown, &"\\dots".to_owned()).join(", ")
}

/// `z` → `\mathbf{z}`, `z1` → `\mathbf{z}_{1}`, `z_top` → `\mathbf{z}_{\mathrm{top}}`, `theta` → `\boldsymbol{\theta}`.
fn symbol(name: &str) -> String {
    let (base, index) = super::notation::split_name(name);
    let base = if GREEK.contains(&base) { format!("\\boldsymbol{{\\{base}}}") } else { format!("\\mathbf{{{base}}}") };
    match index {
        "" => base,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => format!("{base}_{{{digits}}}"),
        words => format!("{base}_{{\\mathrm{{{}}}}}", words.replace('_', "\\_")),
    }
}

/// The same without the weight, as an index.
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
