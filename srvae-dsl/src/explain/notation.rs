//! Pieces of the language and numbers in readable form.

use crate::catalog::{Distribution, show_shape, space_entry};
use crate::derive::is_deterministic;
use crate::graph::{Argument, Body, Factor, Joint, Network, Node, Op, Role, Stage, Variable, VariableId, in_ranges};
use crate::plan::{MOST_LISTED, Plan};

/// `growth: 64, steps: 3`; the values of an argument that repeats follow one another.
pub fn arguments(args: &[Argument]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (index, argument) in args.iter().enumerate() {
        let again = index > 0 && args[index - 1].name == argument.name;
        let repeats = again || args.get(index + 1).is_some_and(|next| next.name == argument.name);
        let value = &argument.value;
        parts.push(if repeats { value.to_string() } else { format!("{}: {value}", argument.name) });
    }
    parts.join(", ")
}

/// `encoder(growth: 64)`, or the name alone.
pub fn call(name: &str, args: &[Argument]) -> String {
    if args.is_empty() { name.to_owned() } else { format!("{name}({})", arguments(args)) }
}

/// `image[3, 32, 32]`.
pub fn space(variable: &Variable) -> String {
    format!("{}{}", space_entry(variable.space).name, show_shape(&variable.shape))
}

/// The right-hand side of a factor, without its network.
pub fn density(plan: &Plan, factor: &Factor) -> String {
    match &factor.body {
        Body::Deterministic { .. } => plan.function_text(factor),
        Body::Stochastic { base, network: Some(network), .. } if network.experts().is_some() => {
            let own = |node: &Node| product(base.entry, node).unwrap_or_else(|| base.entry.name.to_owned());
            let output = &network.nodes[network.output.0];
            match network.components() {
                Some(_) => {
                    let each = output.inputs.iter().map(|component| own(&network.nodes[component.0]));
                    format!("mixture of {}", each.collect::<Vec<_>>().join(", "))
                }
                None => own(output),
            }
        }
        Body::Mixture { values, .. } => mixture(plan, factor, values),
        Body::Stochastic { base, flows, .. } => {
            // The stages of a `flow` statement are consecutive and printed by its name.
            let mut stages = vec![call(base.entry.name, &base.args)];
            for (at, stage) in flows.iter().enumerate() {
                let word = stage.named.as_ref().map(|_| stage.word.as_str());
                let before = at.checked_sub(1).and_then(|at| flows.get(at));
                match word {
                    None => stages.push(flow(plan, stage)),
                    Some(word) if before.is_some_and(|it| it.named.is_some() && it.word == word) => {}
                    Some(word) => stages.push(word.to_owned()),
                }
            }
            stages.join(" |> ")
        }
    }
}

/// `normal * normal * standard_normal`, of a node that is a product. Of many experts only their number: `(12 times normal) * …`.
fn product(entry: &Distribution, node: &Node) -> Option<String> {
    let Op::Experts { joint: Joint::Product, roots, .. } = node.op else { return None };
    let root = entry.experts.and_then(|experts| experts.root).unwrap_or_default();
    let own = match node.inputs.len() {
        many if many > MOST_LISTED => vec![format!("({many} times {})", entry.name)],
        few => vec![entry.name.to_owned(); few],
    };
    let each = [own, vec![root.to_owned(); roots]].concat();
    Some(each.join(" * "))
}

/// `mixture of q(z | x: w[1..10])`; a value that is not a single name is printed as `…`.
fn mixture(plan: &Plan, factor: &Factor, values: &[(VariableId, Vec<Network>)]) -> String {
    let each = values.iter().map(|(id, networks)| {
        let names = networks.iter().map(|network| match network.nodes[network.output.0].op {
            Op::Let(net) => plan.model.nets[net.0].name.as_str(),
            _ => "…",
        });
        format!("{}: {}", plan.name(*id), in_ranges(names).join(", "))
    });
    format!("mixture of q({} | {})", plan.name(factor.variable), each.collect::<Vec<_>>().join(", "))
}

/// `iaf(width: 64, context: h)`; a context that is not a single name is printed as `…`.
fn flow(plan: &Plan, stage: &Stage) -> String {
    let Some(context) = &stage.context else { return call(stage.flow.entry.name, &stage.flow.args) };
    let text = match &context.nodes[context.output.0].op {
        Op::Variable(id) => plan.name(*id).to_owned(),
        Op::Let(id) => plan.model.nets[id.0].name.clone(),
        _ => "…".to_owned(),
    };
    if stage.flow.entry.parameters.is_empty() {
        return format!("{}({text})", stage.flow.entry.name);
    }
    let before = arguments(&stage.flow.args);
    let comma = if before.is_empty() { "" } else { ", " };
    format!("{}({before}{comma}context: {text})", stage.flow.entry.name)
}

/// Latents that q determines, in q's order.
pub fn determined(plan: &Plan) -> Vec<&Factor> {
    plan.model.q.iter().filter(|factor| is_deterministic(factor)).collect()
}

/// Observed variables that are certain given the latents (`floor` in p, `onto` in q), in p's order.
pub fn sure(plan: &Plan) -> Vec<&Factor> {
    plan.model.p.iter().filter(|factor| is_deterministic(factor)).collect()
}

/// Names of all variables of these roles, in the order of the file.
pub fn of_role(plan: &Plan, roles: &[Role]) -> Vec<VariableId> {
    let all = (0..plan.model.variables.len()).map(VariableId);
    all.filter(|id| roles.contains(&plan.model.variable(*id).role)).collect()
}

/// A name as symbol and index: `z1` → (`z`, `1`), `z_top` → (`z`, `top`), `z[3]` → (`z`, `3`), `z[1..3]` → (`z`, `1..3`).
pub fn split_name(name: &str) -> (&str, &str) {
    if let Some((base, index)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        return (base, index);
    }
    if let Some((base, index)) = name.split_once('_')
        && !base.is_empty()
        && !index.is_empty()
    {
        return (base, index);
    }
    let base = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    if base.is_empty() { (name, "") } else { (base, &name[base.len()..]) }
}

/// 34276364 → `34,276,364`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// 5450000000 → `5.45 G`.
pub fn scaled(number: u64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    match units.iter().find(|(size, _)| number as f64 >= *size) {
        Some((size, unit)) => format!("{:.2} {unit}", number as f64 / size),
        None => number.to_string(),
    }
}

/// Rows with aligned columns: those in `right` to the right, all others to the left.
pub fn aligned(rows: &[Vec<String>], right: &[usize], indent: &str) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = indent.to_owned();
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            let gap = if column == 0 { "" } else { "  " };
            line += gap;
            line += &if right.contains(&column) { pad + cell } else { cell.to_owned() + &pad };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([count(0), count(999), count(34_276_364)], ["0", "999", "34,276,364"]);
        assert_eq!([scaled(12), scaled(5_450_000_000)], ["12", "5.45 G"]);
    }
}
