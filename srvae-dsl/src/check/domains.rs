//! Whether the values of a network's node are guaranteed to lie in the domain of a natural parameter.

use super::Checker;
use crate::catalog::{Block, Domain, Space};
use crate::graph::{NetBody, Network, Node, NodeId, Op, Use, Value};

/// The nodes of one network, with the actual arguments.
struct Frame<'f> {
    nodes: &'f [Node],
    arguments: Option<(&'f Frame<'f>, &'f [NodeId])>,
}

impl Checker<'_> {
    /// Whether every element of a node is guaranteed to be in a domain.
    pub(super) fn is_within(&self, nodes: &[Node], node: NodeId, domain: Domain) -> bool {
        self.is_in(&Frame { nodes, arguments: None }, node, domain)
    }

    /// The domains in which the values of a network without arguments are guaranteed to lie.
    pub(super) fn domains(&self, network: &Network) -> Vec<Domain> {
        let all = [Domain::Positive, Domain::Unit, Domain::Simplex];
        all.into_iter().filter(|domain| self.is_within(&network.nodes, network.output, *domain)).collect()
    }

    fn is_in(&self, frame: &Frame<'_>, id: NodeId, domain: Domain) -> bool {
        let node = &frame.nodes[id.0];
        if domain == Domain::Real {
            return true;
        }
        match &node.op {
            // The first position reads zeros.
            Op::Past(_) => false,
            Op::Variable(id) => {
                let space = self.variable(*id).space;
                match domain {
                    Domain::Simplex => space == Space::Simplex,
                    Domain::Unit => space == Space::Simplex || space == Space::Unit,
                    _ => [Space::Simplex, Space::Unit, Space::Positive].contains(&space),
                }
            }
            Op::Formal(at) => frame.arguments.is_some_and(|(outer, inputs)| self.is_in(outer, inputs[*at], domain)),
            Op::Net(net) => match &self.nets.done[net.0].body {
                NetBody::Network(network) => {
                    let inner = Frame { nodes: &network.nodes, arguments: Some((frame, &node.inputs)) };
                    self.is_in(&inner, network.output, domain)
                }
                NetBody::Rust { .. } => false,
            },
            Op::Let(value) => self.nets.done[value.0].domains.contains(&domain),
            // Means and log-variances have no restricted domain.
            Op::Experts { .. } => false,
            Op::Block { block, .. } => {
                let inputs = || node.inputs.iter().all(|input| self.is_in(frame, *input, domain));
                yields(block, node, domain, &inputs)
            }
        }
    }
}

/// Whether a block's values are in the domain, given that its inputs are in the same domain or arbitrary.
fn yields(block: &Use<Block>, node: &Node, domain: Domain, inputs: &dyn Fn() -> bool) -> bool {
    let number = |name: &str| match block.args.iter().find(|argument| argument.name == name).map(|one| &one.value) {
        Some(Value::Real(value)) => *value,
        _ => 0.0,
    };
    let (value, scale, shift) = (number("value"), number("scale"), number("shift"));
    match (block.entry.name, domain) {
        ("softmax", _) | ("sigmoid", Domain::Unit | Domain::Positive) | ("exp" | "softplus", Domain::Positive) => true,
        ("filled" | "constant", Domain::Positive) => value > 0.0,
        ("filled" | "constant", Domain::Unit) => value > 0.0 && value < 1.0,
        ("filled" | "constant", Domain::Simplex) => (value * node.shape[0] as f64 - 1.0).abs() < 1e-6,
        ("affine", Domain::Positive) => scale >= 0.0 && shift >= 0.0 && scale + shift > 0.0 && inputs(),
        // The values lie between those at 0 and at 1.
        ("affine", Domain::Unit) => shift.min(scale + shift) >= 0.0 && shift.max(scale + shift) <= 1.0 && inputs(),
        ("add" | "divide", Domain::Positive) | ("multiply", Domain::Positive | Domain::Unit) => inputs(),
        (
            "upsample" | "downsample" | "concat" | "reshape" | "flatten" | "spread" | "channels",
            Domain::Positive | Domain::Unit,
        ) => inputs(),
        _ => false,
    }
}
