//! Facts of the checked model about a place in the file: shapes, channels, parameters.

use crate::catalogue::shape;
use srvae_dsl::Span;
use srvae_dsl::graph::{Body, Factor, Model, NetBody, Network, Node, Op, Role, Side, Space, in_ranges};

/// Facts about the stage, distribution or use of a named network at a span: shapes and cost, one line each.
pub fn at(model: &Model, span: Span) -> Vec<String> {
    if let Some((network, node)) = networks(model).find_map(|network| Some((network, node(network, span)?))) {
        return of_node(model, network, node);
    }
    let factors = model.p.iter().chain(&model.q);
    factors.filter_map(|factor| of_base(model, factor, span)).next().unwrap_or_default()
}

/// Facts about a variable: its space and its role.
pub fn of_variable(model: &Model, name: &str) -> Vec<String> {
    let Some(at) = model.variables.iter().position(|variable| variable.name == name) else { return Vec::new() };
    let variable = &model.variables[at];
    let values: usize = variable.shape.iter().product();
    let mut lines = vec![format!("shape {}, {} per record", shape(&variable.shape), counted(values as u64, "value"))];
    let id = srvae_dsl::graph::VariableId(at);
    if variable.space == Space::Label {
        lines.push("held as a one-hot vector".to_owned());
    }
    for factor in model.p_of(id).into_iter().chain(model.q_of(id)) {
        let parameters = model.factor_cost(factor).parameters;
        let side = factor.side.name();
        lines.push(match &factor.body {
            Body::Stochastic { base, .. } => {
                format!("{side}: {}, {}", base.entry.name, counted(parameters, "parameter"))
            }
            Body::Deterministic { function, .. } => format!("{side}: determined by {}", function.entry.name),
            Body::Mixture { components, .. } => {
                format!("{side}: mixture of {}", counted(*components as u64, "component"))
            }
        });
    }
    if variable.role == Role::Given {
        lines.push("comes with the data; has no factor".to_owned());
    }
    lines
}

/// Facts about a named network: the shapes of its inputs and output, its parameters. For a value: its shape and the
/// variables it depends on.
pub fn of_net(model: &Model, name: &str) -> Vec<String> {
    let Some(at) = model.nets.iter().position(|net| net.name == name) else { return Vec::new() };
    let net = &model.nets[at];
    let inputs: Vec<String> = net.inputs.iter().map(|sizes| shape(sizes)).collect();
    let mut lines = match net.is_let {
        true => {
            let read = net.reads.clone().all();
            let read: Vec<&str> = read.iter().map(|id| model.variable(id).name.as_str()).collect();
            let reads = if read.is_empty() {
                "learned values alone".to_owned()
            } else {
                in_ranges(read.into_iter()).join(", ")
            };
            vec![format!("shape {}, a function of {reads}", shape(&net.output))]
        }
        false => vec![format!("{} → {}", inputs.join(", "), shape(&net.output))],
    };
    match net.body {
        NetBody::Network(_) => {
            let cost = model.net_cost(srvae_dsl::graph::NetId(at));
            lines.push(counted(cost.parameters, "parameter"));
        }
        NetBody::Rust { .. } => lines.push("written in Rust".to_owned()),
    }
    lines
}

/// The shape of a network's argument.
pub fn of_formal(model: &Model, net: Span, name: &str) -> Vec<String> {
    let inside = |other: &&srvae_dsl::graph::Net| net.start <= other.span.start && other.span.end <= net.end;
    let Some(net) = model.nets.iter().find(inside) else { return Vec::new() };
    let found = net.formals.iter().position(|formal| formal == name).and_then(|at| net.inputs.get(at));
    found.map(|sizes| format!("shape {}", shape(sizes))).into_iter().collect()
}

fn networks(model: &Model) -> impl Iterator<Item = &Network> {
    let of_factors = model.p.iter().chain(&model.q).filter_map(|factor| match &factor.body {
        Body::Stochastic { network, .. } => network.as_ref(),
        Body::Deterministic { .. } | Body::Mixture { .. } => None,
    });
    let of_nets = model.nets.iter().filter_map(|net| match &net.body {
        NetBody::Network(network) => Some(network),
        NetBody::Rust { .. } => None,
    });
    of_factors.chain(of_nets)
}

fn node(network: &Network, span: Span) -> Option<&Node> {
    network.nodes.iter().find(|node| node.span == span && !node.inputs.is_empty())
}

fn of_node(model: &Model, network: &Network, node: &Node) -> Vec<String> {
    let inputs: Vec<String> = network.input_shapes(node).into_iter().map(shape).collect();
    let mut lines = vec![format!("{} → {}", inputs.join(", "), shape(&node.shape))];
    let cost = model.node_cost(network, node);
    if cost.parameters > 0 {
        lines.push(counted(cost.parameters, "parameter"));
    }
    if cost.multiply_accumulates > 0 {
        lines.push(format!("{} per image", counted(cost.multiply_accumulates, "multiply-accumulate")));
    }
    if let Op::Block { block, inferred } = &node.op {
        for argument in block.args.iter().filter(|argument| *inferred && argument.name == "out") {
            lines.push(format!("`out` is inferred to be {}", argument.value));
        }
    }
    lines
}

/// A distribution, a flow or a function of a factor.
fn of_base(model: &Model, factor: &Factor, span: Span) -> Option<Vec<String>> {
    let variable = model.variable(factor.variable);
    let over = format!("over `{}` of shape {}", variable.name, shape(&variable.shape));
    match &factor.body {
        Body::Stochastic { base, flows, .. } => {
            let on_it = base.span == span;
            if !on_it && !flows.iter().any(|stage| stage.flow.span == span) {
                return None;
            }
            let mut lines = vec![over];
            if on_it && let Ok(Some(head)) = base.entry.head(&base.values(), &variable.shape) {
                let channels = head.first().copied().unwrap_or_default();
                lines.push(format!("reads {channels} channels: {}", shape(&head)));
            }
            let side = if factor.side == Side::P { "p" } else { "q" };
            let parameters = model.factor_cost(factor).parameters;
            lines.push(format!("{} in this factor of {side}", counted(parameters, "parameter")));
            Some(lines)
        }
        Body::Mixture { components, span: place, .. } => {
            (*place == span).then(|| vec![over, counted(*components as u64, "component")])
        }
        Body::Deterministic { function, input } => (function.span == span).then(|| {
            let input = model.variable(*input);
            vec![format!("{} → {}", shape(&input.shape), shape(&variable.shape))]
        }),
    }
}

/// `1 parameter`, `34,276,364 parameters`.
pub fn counted(number: u64, what: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_have_commas() {
        let counted = |number| super::counted(number, "value");
        assert_eq!([counted(1), counted(999), counted(34_276_364)], ["1 value", "999 values", "34,276,364 values"]);
    }
}
