//! The explanation as plain text.

use super::blocks::{Block, Over, blocks, gathered};
use super::bound::{Form, Statement, discrete_draws, statements, summed};
use super::ends::{Ends, key};
use super::factors::{factors, head};
use super::fold::{alike, folded, listed};
use super::members::Row;
use super::network_table;
use super::notation::{aligned, count, density, determined, of_role, scaled, space, sure};
use super::terms::{Printed, printed, sum};
use crate::derive::{Presence, Term, is_supplied};
use crate::graph::{Factor, Role, Side, Variable, VariableId, in_pieces};
use crate::plan::{Operation, Plan, RATES, Rate};

/// Everything: variables, factors, bound, modes, plan, networks, budget.
pub fn text(plan: &Plan) -> String {
    let ends = &Ends::of(plan);
    let mut parts = vec![title(plan), variables(plan, ends), mathematics(plan), modes(plan, ends), program(plan, ends)];
    parts.push(section("Networks", &aligned(&network_table(plan), &[3, 4], "  ")));
    parts.push(budget(plan));
    parts.join("\n")
}

/// The factorisations and the bound.
pub fn mathematics(plan: &Plan) -> String {
    let ends = &Ends::of(plan);
    factorisation(plan, ends) + "\n" + &bound(plan, ends)
}

fn section(name: &str, body: &str) -> String {
    format!("{name}\n{body}")
}

fn title(plan: &Plan) -> String {
    let model = &plan.model;
    let mut text = format!("Model {}\n", model.name);
    for line in &model.docs {
        text += &format!("  {line}\n");
    }
    for param in &model.params {
        text += &format!("  {} = {}\n", param.name, param.value);
    }
    text
}

/// Rows with aligned columns, without the middle of a long repetition.
fn table(rows: Vec<Vec<String>>, ends: &Ends<'_>, indent: &str) -> String {
    let row = |cells: Vec<String>| cells.iter().map(|cell| ends.spelling.text(cell)).collect();
    aligned(&folded(rows.into_iter().map(row).collect()), &[], indent)
}

/// Names of variables; a long sequence is printed by its ends.
fn names(plan: &Plan, ids: &[VariableId], ends: &Ends<'_>) -> String {
    listed(ends.spelling.list(ends.listed(plan, ids))).join(", ")
}

fn variables(plan: &Plan, ends: &Ends<'_>) -> String {
    let rows: Vec<Row<'_>> = plan.model.variables.iter().map(|variable| row(variable, ends)).collect();
    let shown = gathered(&rows, ends).into_iter().flat_map(Block::each).map(|(joined, over)| {
        let name = joined.list(0).join(", ");
        let name = over.map_or_else(|| name.clone(), |over| over.members(&name));
        vec![joined.text(0), name, joined.text(1), joined.text(2)]
    });
    section("Variables", &table(shown.collect(), ends, "  "))
}

fn row<'p>(variable: &'p Variable, ends: &Ends<'p>) -> Row<'p> {
    let (name, role) = (variable.name.as_str(), variable.role.name());
    let row = Row::of(key(role, name), ends.member(name));
    let row = row.text(role, ends).text(&space(variable), ends).text(&variable.docs.join(" "), ends);
    row.list(in_pieces(std::iter::once(name)))
}

fn factorisation(plan: &Plan, ends: &Ends<'_>) -> String {
    let joint = |side: Side, left: &[VariableId], right: &[VariableId], factors: &[Factor]| {
        let bar = if right.is_empty() { String::new() } else { format!(" | {}", names(plan, right, ends)) };
        format!("  {}({}{bar}) = {}\n", side.name(), names(plan, left, ends), product(plan, factors, ends))
    };
    let given = of_role(plan, &[Role::Given]);
    let latent: Vec<VariableId> = of_role(plan, &[Role::Partly, Role::Latent, Role::Global]);
    let latent: Vec<VariableId> = latent.into_iter().filter(|id| plan.model.q_of(*id).is_some()).collect();
    let mut text = joint(
        Side::P,
        &of_role(plan, &[Role::Observed, Role::Partly, Role::Latent, Role::Global]),
        &given,
        &plan.model.p,
    );
    if !plan.model.q.is_empty() {
        text += &joint(Side::Q, &latent, &of_role(plan, &[Role::Observed, Role::Given]), &plan.model.q);
    }
    let rows: Vec<Vec<String>> = factors(plan, plan.model.p.iter().chain(&plan.model.q), ends)
        .into_iter()
        .map(|factor| {
            let clause = factor.over.as_ref().map_or_else(String::new, Over::clause);
            vec![factor.text(), factor.right.clone(), clause]
        })
        .collect();
    section("Factors", &(text + "\n" + &table(rows, ends, "  ")))
}

/// `p(x | z[1..12]) ∏_{l=1..12} p(z[l] | z[<l])`. Products over an index come last.
fn product(plan: &Plan, all: &[Factor], ends: &Ends<'_>) -> String {
    let (single, families): (Vec<_>, Vec<_>) =
        factors(plan, all.iter(), ends).into_iter().partition(|factor| factor.over.is_none());
    let mut text = listed(single.iter().map(|factor| ends.spelling.text(&factor.text())).collect());
    let mut last = None;
    for factor in &families {
        if last != factor.over.as_ref() {
            text.extend(factor.over.as_ref().map(|over| format!("∏_{{{}}}", over.range())));
        }
        last = factor.over.as_ref();
        text.push(factor.text());
    }
    text.join(" ")
}

fn bound(plan: &Plan, ends: &Ends<'_>) -> String {
    let statements = statements(plan);
    let bounded = &plan.derivation.bounded;
    let mut text = format!(
        "  {} {} {}\n\n",
        bounded.text_with(|ids| names(plan, ids, ends)),
        bounded.relation(),
        ends.spelling.text(&bound_sum(plan))
    );
    let patterns = patterns(plan, ends);
    if !patterns.is_empty() {
        text += &(aligned(&patterns, &[], "  ") + "\n");
    }
    let rows: Vec<Vec<String>> = printed(plan, &statements, ends)
        .iter()
        .map(|term| {
            let [how, why] = &term.estimate;
            let presence = statements[term.at].term.presence.map(|presence| presence.text(&term.own));
            let presence = presence.map_or_else(String::new, |presence| format!(", 0 unless {presence}"));
            let formula = format!("= {}{presence}", formula(&statements[term.at], term));
            let clause = term.over.as_ref().map_or_else(String::new, Over::clause);
            vec![format!("{}_{}", term.kind, term.own), formula, format!("{how}: {why}"), clause]
        })
        .collect();
    text += &table(rows, ends, "  ");
    text += &remarks(plan, ends);
    let objective = super::objective::lines(plan);
    if !objective.is_empty() {
        text += "\n  Training maximises\n";
        objective.iter().for_each(|line| text += &format!("    {}\n", ends.spelling.text(line)));
    }
    section("Bound", &text)
}

/// The sum of the terms of the bound, those of a family as one: `RE_x − Σ_{l=1..12} KL_z[l]`.
pub fn bound_sum(plan: &Plan) -> String {
    sum(plan, plan.derivation.terms.iter().map(|term| (term, String::new())), &Ends::of(plan))
}

/// Remarks on variables without a term or with a special one: determined, global, certain and discrete ones.
fn remarks(plan: &Plan, ends: &Ends<'_>) -> String {
    let row = |(id, text): (VariableId, String)| {
        let name = plan.name(id);
        Row::of(key("", name), ends.member(name)).text(&text, ends)
    };
    let groups = [remarks_on_factors(plan), discrete_draws(plan)];
    let [mut text, draws] = groups.map(|remarks| {
        let rows: Vec<Row<'_>> = remarks.into_iter().map(row).collect();
        let mut text = String::new();
        for (row, over) in gathered(&rows, ends).into_iter().flat_map(Block::each) {
            let clause = over.map_or_else(String::new, |over| format!(", {}", over.clause()));
            text += &format!("  {}{clause}\n", ends.spelling.text(&row.text(0)));
        }
        text
    });
    if let Some((variables, how)) = summed(plan) {
        text += &format!("  {} summed out, without a factor of q: {how}\n", names(plan, &variables, ends));
    }
    text + &draws
}

fn remarks_on_factors(plan: &Plan) -> Vec<(VariableId, String)> {
    let mut all = Vec::new();
    for factor in determined(plan) {
        let (name, density) = (plan.name(factor.variable), density(plan, factor));
        let text = if is_supplied(factor) {
            format!("{name} = {density} comes with the data, so it is scored with the observed variables")
        } else {
            let head = plan.factor_text(Side::Q, factor.variable);
            format!(
                "{name} = {density}: {head} puts all mass on one value of a discrete set, so its entropy is 0 and of {name} \
                 only RE_{name} is left"
            )
        };
        all.push((factor.variable, text));
    }
    for term in plan.derivation.terms.iter().filter(|term| term.shared) {
        let name = plan.name(term.variable);
        let text = format!(
            "{name} is global (one value for all records): each record has 1/records of {}, and with one sample per record the sum over the records bounds ln p of the data set",
            term.name
        );
        all.push((term.variable, text));
    }
    for factor in sure(plan) {
        let (name, density) = (plan.name(factor.variable), density(plan, factor));
        let drawn = factor.parents.iter().map(|id| plan.factor_text(Side::Q, id)).collect::<Vec<_>>().join(" ");
        let text = format!(
            "{name} = {density}: {drawn} stays within the cells of {name}, where ln {} is 0, so there is no term RE_{name}",
            plan.factor_text(Side::P, factor.variable)
        );
        all.push((factor.variable, text));
    }
    all
}

/// The bound for each combination of observed and missing variables: the combination, the bounded quantity, the terms.
/// None if there are more than four combinations.
fn patterns(plan: &Plan, ends: &Ends<'_>) -> Vec<Vec<String>> {
    let bounded = &plan.derivation.bounded;
    let kinds = match bounded.partly.len() {
        0 | 3.. => 0,
        count => 1 << count,
    };
    let each = (0..kinds).rev().map(|kind: usize| {
        let is_there = |id: VariableId| {
            let at = bounded.partly.iter().position(|other| *other == id);
            at.map(|at| kind >> at & 1 == 1)
        };
        let there: Vec<VariableId> = bounded.partly.iter().copied().filter(|id| is_there(*id) == Some(true)).collect();
        let counts = |term: &&Term| {
            term.presence.is_none_or(|presence| is_there(term.variable) == Some(presence == Presence::There))
        };
        let sum = sum(plan, plan.derivation.terms.iter().filter(counts).map(|term| (term, String::new())), ends);
        let words = bounded.partly.iter().map(|id| {
            let presence = if is_there(*id) == Some(true) { Presence::There } else { Presence::Missing };
            presence.text(&ends.spelling.text(plan.name(*id)))
        });
        let words = words.collect::<Vec<_>>().join(", ");
        let text = format!("{} {} {sum}", bounded.text_at(&there, |ids| names(plan, ids, ends)), bounded.relation());
        vec![text, format!("where {words}")]
    });
    each.collect()
}

/// `E q(u | y) [ KL(q(z | x) ‖ p(z | y, u)) ]`.
pub(super) fn formula(statement: &Statement<'_>, term: &Printed<'_>) -> String {
    let (p, q) = (head("p", &term.own, &term.p), head("q", &term.own, &term.q));
    let share = if statement.term.shared { " / records" } else { "" };
    let inner = match statement.form {
        Form::LogLikelihood => format!("ln {p}"),
        Form::Divergence => format!("KL({q} ‖ {p}){share}"),
        Form::LogRatio => format!("ln {q} − ln {p}"),
    };
    if term.expectation.is_empty() {
        return inner;
    }
    let over = term.expectation.iter().map(|(own, given)| head("q", &own.join(", "), given)).collect();
    format!("E {} [ {inner} ]", listed(over).join(" "))
}

fn modes(plan: &Plan, ends: &Ends<'_>) -> String {
    let mut text = String::new();
    for mode in &plan.derivation.modes {
        let (partly, whole): (Vec<_>, Vec<_>) = mode.given.iter().copied().partition(|id| mode.partly.contains(*id));
        let partly = Some(names(plan, &partly, ends)).filter(|partly| !partly.is_empty());
        let whole = Some(names(plan, &whole, ends)).filter(|whole| !whole.is_empty());
        let given: Vec<String> =
            whole.into_iter().chain(partly.map(|partly| format!("{partly} where observed"))).collect();
        text += &format!("  {}({})\n", mode.name, given.join(", "));
        let rows = super::steps::rows(plan, mode, ends);
        let steps = blocks(&rows, ends).into_iter().flat_map(|block| super::steps::lines(plan, mode, &block));
        text += &table(steps.collect(), ends, "    ");
        text += &mode.switch.map_or_else(String::new, |switch| format!("    {}\n", switch.text()));
        text += &format!("    return {}\n", names(plan, &mode.yields(&plan.model), ends));
    }
    for refusal in &plan.derivation.refused {
        let (given, why) = (names(plan, &refusal.given, ends), refusal.reason.text(&plan.model));
        text += &format!("  no {}({given}): {why}\n", refusal.name);
    }
    section("Modes", &text)
}

fn program(plan: &Plan, ends: &Ends<'_>) -> String {
    let mut text = String::new();
    let is_there = |rate: &Rate| match rate {
        Rate::Value => !plan.bound.enumerated.is_empty() || !plan.model.sum.is_empty(),
        Rate::Component => plan.bound.uses(|operation| matches!(operation, Operation::Mixture(_))),
        Rate::Draws => plan.model.variables.iter().any(|variable| variable.role == Role::Global),
        Rate::Constant | Rate::Record | Rate::Sample => true,
    };
    for (title, rate) in RATES.into_iter().filter(|(_, rate)| is_there(rate)) {
        text += &format!("  {title}\n");
        let repeated = plan.repeated(&plan.bound);
        if rate == Rate::Sample && !repeated.is_empty() {
            let repeated = listed(repeated.into_iter().map(str::to_owned).collect());
            text += &format!("    repeat {} for each sample\n", repeated.join(", "));
        }
        alike(plan.lines(&plan.bound, rate)).iter().for_each(|line| text += &format!("    {line}\n"));
    }
    if !plan.segments.all.is_empty() {
        text += &format!("  in training, {} segments, each recomputed in the backward pass\n", plan.segments.all.len());
    }
    section(&format!("Plan of the bound, given {}", names(plan, &plan.bound.given, ends)), &text)
}

fn budget(plan: &Plan) -> String {
    let cost = plan.model.cost();
    let rows = [
        vec!["parameters".to_owned(), count(cost.parameters), String::new()],
        vec!["multiply-accumulates".to_owned(), scaled(cost.multiply_accumulates), "forward, per record".to_owned()],
    ];
    section("Budget", &aligned(&rows, &[1], "  "))
}
