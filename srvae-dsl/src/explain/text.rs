//! The explanation as plain text.

use super::bound::{Form, Statement, discrete_draws, statements, sum};
use super::fold::{folded, listed};
use super::network_table;
use super::notation::{aligned, count, density, determined, of_role, scaled, space, sure};
use crate::derive::{Presence, TermKind, is_deterministic, is_supplied};
use crate::graph::{Role, Side, VariableId, in_ranges};
use crate::plan::{Operation, Plan, RATES, Rate};

/// Everything: variables, factors, bound, modes, plan, networks, budget.
pub fn text(plan: &Plan) -> String {
    let mut parts = vec![title(plan), variables(plan), mathematics(plan), modes(plan), program(plan)];
    parts.push(section("Networks", &aligned(&network_table(plan), &[3, 4], "  ")));
    parts.push(budget(plan));
    parts.join("\n")
}

/// The factorisations and the bound.
pub fn mathematics(plan: &Plan) -> String {
    factorisation(plan) + "\n" + &bound(plan)
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

/// Names of variables; a long sequence is printed by its ends.
fn names(plan: &Plan, ids: &[VariableId]) -> String {
    listed(in_ranges(ids.iter().map(|id| plan.name(*id)))).join(", ")
}

fn variables(plan: &Plan) -> String {
    let rows: Vec<Vec<String>> = plan
        .model
        .variables
        .iter()
        .map(|variable| {
            let docs = variable.docs.join(" ");
            vec![variable.role.name().to_owned(), variable.name.clone(), space(variable), docs]
        })
        .collect();
    section("Variables", &aligned(&folded(rows), &[], "  "))
}

fn factorisation(plan: &Plan) -> String {
    let joint = |side: Side, left: &[VariableId], right: &[VariableId], factors: &[crate::graph::Factor]| {
        let bar = if right.is_empty() { String::new() } else { format!(" | {}", plan.names(right)) };
        let product = listed(factors.iter().map(|factor| plan.factor_text(side, factor.variable)).collect());
        format!("  {}({}{bar}) = {}\n", side.name(), names(plan, left), product.join(" "))
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
    let rows: Vec<Vec<String>> = plan
        .model
        .p
        .iter()
        .chain(&plan.model.q)
        .map(|factor| {
            let sign = if is_deterministic(factor) { "=" } else { "~" };
            vec![plan.factor_text(factor.side, factor.variable), format!("{sign} {}", density(plan, factor))]
        })
        .collect();
    section("Factors", &(text + "\n" + &aligned(&folded(rows), &[], "  ")))
}

fn bound(plan: &Plan) -> String {
    let statements = statements(plan);
    let sum = statements.iter().enumerate().map(|(at, statement)| {
        let sign = match (at, statement.adds()) {
            (0, true) => "",
            (_, true) => "+ ",
            (_, false) => "− ",
        };
        format!("{sign}{}", statement.term.name)
    });
    let sum = listed(sum.collect()).join(" ");
    let bounded = &plan.derivation.bounded;
    let mut text = format!("  {} {} {sum}\n\n", bounded.text(&plan.model), bounded.relation());
    let patterns = patterns(plan);
    if !patterns.is_empty() {
        text += &(aligned(&patterns, &[], "  ") + "\n");
    }
    let rows: Vec<Vec<String>> = statements
        .iter()
        .map(|statement| {
            let (how, why) = statement.estimate();
            let presence = statement.term.presence.map(|presence| presence.text(plan.name(statement.term.variable)));
            let presence = presence.map_or_else(String::new, |presence| format!(", 0 unless {presence}"));
            let formula = format!("= {}{presence}", formula(plan, statement));
            vec![statement.term.name.clone(), formula, format!("{how}: {why}")]
        })
        .collect();
    text += &aligned(&folded(rows), &[], "  ");
    text += &remarks(plan);
    let objective = super::objective::lines(plan);
    if !objective.is_empty() {
        text += "\n  Training maximises\n";
        objective.iter().for_each(|line| text += &format!("    {line}\n"));
    }
    section("Bound", &text)
}

/// Remarks on variables without a term or with a special one: determined, global, certain and discrete ones.
fn remarks(plan: &Plan) -> String {
    let mut text = String::new();
    for factor in determined(plan) {
        let (name, density) = (plan.name(factor.variable), density(plan, factor));
        if is_supplied(factor) {
            text += &format!("  {name} = {density} comes with the data, so it is scored with the observed variables\n");
            continue;
        }
        let head = plan.factor_text(Side::Q, factor.variable);
        text += &format!(
            "  {name} = {density}: {head} puts all mass on one value of a discrete set, so its entropy is 0 and of {name} \
             only RE_{name} is left\n"
        );
    }
    for term in plan.derivation.terms.iter().filter(|term| term.shared) {
        let name = plan.name(term.variable);
        text += &format!(
            "  {name} is global (one value for all records): each record has 1/records of {}, and with one sample per record the sum over the records bounds ln p of the data set\n",
            term.name
        );
    }
    for factor in sure(plan) {
        let (name, density) = (plan.name(factor.variable), density(plan, factor));
        let drawn = factor.parents.iter().map(|id| plan.factor_text(Side::Q, id)).collect::<Vec<_>>().join(" ");
        text += &format!(
            "  {name} = {density}: {drawn} stays within the cells of {name}, where ln {} is 0, so there is no term RE_{name}\n",
            plan.factor_text(Side::P, factor.variable)
        );
    }
    if let Some((names, how)) = sum(plan) {
        text += &format!("  {names} summed out, without a factor of q: {how}\n");
    }
    for (head, how) in discrete_draws(plan) {
        text += &format!("  {head} is discrete: {how}\n");
    }
    text
}

/// The bound for each combination of observed and missing variables: the combination, the bounded quantity, the terms.
/// None if there are more than four combinations.
fn patterns(plan: &Plan) -> Vec<Vec<String>> {
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
        let mut sum = String::new();
        for term in &plan.derivation.terms {
            let counts =
                term.presence.is_none_or(|presence| is_there(term.variable) == Some(presence == Presence::There));
            if counts {
                let sign = match (sum.is_empty(), term.kind == TermKind::Reconstruction) {
                    (true, true) => "",
                    (false, true) => " + ",
                    (true, false) => "− ",
                    (false, false) => " − ",
                };
                sum += &format!("{sign}{}", term.name);
            }
        }
        let words = bounded.partly.iter().map(|id| {
            let presence = if is_there(*id) == Some(true) { Presence::There } else { Presence::Missing };
            presence.text(plan.name(*id))
        });
        let words = words.collect::<Vec<_>>().join(", ");
        let text = format!("{} {} {sum}", bounded.text_at(&plan.model, &there), bounded.relation());
        vec![text, format!("where {words}")]
    });
    each.collect()
}

/// `E_{q(u | y)}[ KL( q(z | x) ‖ p(z | y, u) ) ]`.
pub(super) fn formula(plan: &Plan, statement: &Statement<'_>) -> String {
    let variable = statement.term.variable;
    let (p, q) = (plan.factor_text(Side::P, variable), plan.factor_text(Side::Q, variable));
    let p = match &statement.before {
        Some(before) => given(plan, variable, before),
        None => p,
    };
    let share = if statement.term.shared { " / records" } else { "" };
    let inner = match statement.form {
        Form::LogLikelihood => format!("ln {p}"),
        Form::Divergence => format!("KL({q} ‖ {p}){share}"),
        Form::LogRatio => format!("ln {q} − ln {p}"),
    };
    if statement.over.is_empty() {
        return inner;
    }
    let factor = |id: &Option<VariableId>| id.map_or_else(|| "…".to_owned(), |id| plan.factor_text(Side::Q, id));
    let over: Vec<String> = statement.shown.iter().map(factor).collect();
    format!("E {} [ {inner} ]", over.join(" "))
}

/// `p(x[3] | x[1..2])`: the density of a variable given those before it in a sum.
fn given(plan: &Plan, variable: VariableId, before: &[VariableId]) -> String {
    let bar = if before.is_empty() { "" } else { " | " };
    format!("p({}{bar}{})", plan.name(variable), plan.names(before))
}

fn modes(plan: &Plan) -> String {
    let mut text = String::new();
    for mode in &plan.derivation.modes {
        text += &format!("  {}({})\n", mode.name, plan.names(&mode.given));
        let steps = plan.steps(mode).zip(mode.intermediate()).map(|(step, is_intermediate)| {
            let way = if is_intermediate { "    intermediate" } else { "" };
            vec![format!("{step}{way}")]
        });
        text += &aligned(&folded(steps.collect()), &[], "    ");
        text += &mode.switch.map_or_else(String::new, |switch| format!("    {}\n", switch.text()));
        text += &format!("    return {}\n", names(plan, &mode.yields(&plan.model)));
    }
    for refusal in &plan.derivation.refused {
        let (given, why) = (plan.names(&refusal.given), refusal.reason.text(&plan.model));
        text += &format!("  no {}({given}): {why}\n", refusal.name);
    }
    section("Modes", &text)
}

fn program(plan: &Plan) -> String {
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
        let lines = plan.lines(&plan.bound, rate).into_iter().map(|line| vec![line]);
        text += &aligned(&folded(lines.collect()), &[], "    ");
    }
    if !plan.segments.all.is_empty() {
        text += &format!("  in training, {} segments, each recomputed in the backward pass\n", plan.segments.all.len());
    }
    section(&format!("Plan of the bound, given {}", plan.names(&plan.bound.given)), &text)
}

fn budget(plan: &Plan) -> String {
    let cost = plan.model.cost();
    let rows = [
        vec!["parameters".to_owned(), count(cost.parameters), String::new()],
        vec!["multiply-accumulates".to_owned(), scaled(cost.multiply_accumulates), "forward, per record".to_owned()],
    ];
    section("Budget", &aligned(&rows, &[1], "  "))
}
