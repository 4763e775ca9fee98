//! Whether the values of a network's node are guaranteed to lie in the domain of a natural parameter.

use super::Checker;
use crate::catalog::{Block, Domain, Space};
use crate::graph::{Interval, NetBody, Network, Node, NodeId, Op, Use, Value};

/// The nodes of one network, with the actual arguments.
struct Frame<'f> {
    nodes: &'f [Node],
    arguments: Option<(&'f Frame<'f>, &'f [NodeId])>,
}

impl Checker<'_> {
    /// Whether every element of a node is guaranteed to be in a domain.
    pub(super) fn is_within(&self, nodes: &[Node], node: NodeId, domain: Domain) -> bool {
        let frame = Frame { nodes, arguments: None };
        match domain {
            Domain::Simplex => self.is_simplex(&frame, node),
            Domain::Real | Domain::Positive | Domain::Unit => self.interval(&frame, node).is_within(domain),
        }
    }

    /// The interval of a network without arguments, and whether its values are proportions.
    pub(super) fn values_of(&self, network: &Network) -> (Interval, bool) {
        let frame = Frame { nodes: &network.nodes, arguments: None };
        (self.interval(&frame, network.output), self.is_simplex(&frame, network.output))
    }

    /// Numbers between which every element of a node lies.
    fn interval(&self, frame: &Frame<'_>, id: NodeId) -> Interval {
        let node = &frame.nodes[id.0];
        match &node.op {
            // The first position reads zeros.
            Op::Past(of) => Interval::of(self.variable(*of).space).with(Interval::closed(0.0, 0.0)),
            Op::Variable(id) => Interval::of(self.variable(*id).space),
            Op::Formal(at) => {
                frame.arguments.map_or(Interval::ALL, |(outer, inputs)| self.interval(outer, inputs[*at]))
            }
            Op::Net(net) => match &self.nets.done[net.0].body {
                NetBody::Network(network) => {
                    let inner = Frame { nodes: &network.nodes, arguments: Some((frame, &node.inputs)) };
                    self.interval(&inner, network.output)
                }
                NetBody::Rust { .. } => Interval::ALL,
            },
            Op::Let(value) => self.nets.done[value.0].interval,
            // Means and log-variances.
            Op::Experts { .. } => Interval::ALL,
            Op::Block { block, .. } => {
                let inputs = || node.inputs.iter().map(|input| self.interval(frame, *input));
                let is_square = node.inputs.len() == 2 && node.inputs[0] == node.inputs[1];
                match (block.entry.name, inputs().next()) {
                    ("multiply", Some(root)) if is_square => root.squared(),
                    _ => yields(block, &mut inputs()),
                }
            }
        }
    }

    /// Whether the channels of a node are proportions at every position.
    fn is_simplex(&self, frame: &Frame<'_>, id: NodeId) -> bool {
        let node = &frame.nodes[id.0];
        match &node.op {
            Op::Variable(id) => self.variable(*id).space == Space::Simplex,
            Op::Formal(at) => frame.arguments.is_some_and(|(outer, inputs)| self.is_simplex(outer, inputs[*at])),
            Op::Net(net) => match &self.nets.done[net.0].body {
                NetBody::Network(network) => {
                    let inner = Frame { nodes: &network.nodes, arguments: Some((frame, &node.inputs)) };
                    self.is_simplex(&inner, network.output)
                }
                NetBody::Rust { .. } => false,
            },
            Op::Let(value) => self.nets.done[value.0].is_simplex,
            Op::Block { block, .. } => match block.entry.name {
                "softmax" => true,
                "filled" | "constant" => (number(block, "value") * node.shape[0] as f64 - 1.0).abs() < 1e-6,
                _ => false,
            },
            Op::Past(_) | Op::Experts { .. } => false,
        }
    }
}

/// The numbers that a block yields from its inputs.
fn yields(block: &Use<Block>, inputs: &mut dyn Iterator<Item = Interval>) -> Interval {
    let own = |name: &str| Interval::closed(number(block, name), number(block, name));
    let mut fold = |of: fn(Interval, Interval) -> Interval| inputs.reduce(of).unwrap_or(Interval::ALL);
    match block.entry.name {
        "softmax" | "sigmoid" => Interval::open(0.0, 1.0),
        "tanh" => Interval::open(-1.0, 1.0),
        "exp" | "softplus" => Interval::POSITIVE,
        "relu" | "log1p" => Interval::NOT_NEGATIVE,
        "elu" => Interval::open(-1.0, f64::INFINITY),
        "filled" | "constant" => own("value"),
        "affine" => own("scale") * fold(Interval::with) + own("shift"),
        "add" => fold(|sum, one| sum + one),
        "subtract" => fold(|rest, one| rest + -one),
        "multiply" => fold(|product, one| product * one),
        "sum" => fold(Interval::with).summed(),
        "matmul" => fold(|product, one| product * one).summed(),
        "divide" => fold(|whole, one| whole / one),
        "upsample" | "downsample" | "resize" | "concat" | "reshape" | "flatten" | "spread" | "channels"
        | "set_pool" | "global_pool" | "stack" => fold(Interval::with),
        _ => Interval::ALL,
    }
}

fn number(block: &Use<Block>, name: &str) -> f64 {
    match block.args.iter().find(|argument| argument.name == name).map(|one| &one.value) {
        Some(Value::Real(value)) => *value,
        Some(Value::Int(_) | Value::Bool(_) | Value::Word(_)) | None => 0.0,
    }
}
