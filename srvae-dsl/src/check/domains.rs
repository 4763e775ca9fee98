//! Whether the values of a network's node are guaranteed to lie in the domain of a natural parameter.
//!
//! The facts about the nodes of a network follow from those about their inputs, in one pass. Every element is a polynomial in
//! elements of other values. So it is known that `a * p + (1 - a) * q` lies between p and q, in which the unknown a occurs twice, and
//! that `a * x + (1 - a) * y` are proportions if x and y are, where a cancels in the sum over the channels.

mod blocks;

use super::Checker;
use crate::catalog::{Domain, Space};
use crate::graph::{Interval, Known, NetBody, Network, Node, NodeId, Op, Polynomial, Role, Unknown, VariableId};
use blocks::of_block;

/// The place of a network: the value it belongs to, if any, and the uses of named networks that lead to it.
#[derive(Clone, Copy)]
struct Place<'p> {
    of: Option<usize>,
    uses: &'p [usize],
}

impl Place<'_> {
    /// The element that a node yields, of which only the interval is known.
    fn unknown(self, at: usize, interval: Interval) -> Polynomial {
        Polynomial::unknown(Unknown::Node { of: self.of, at: [self.uses, &[at]].concat() }, interval)
    }
}

/// What follows for a node from its inputs alone.
struct Found {
    interval: Interval,
    element: Option<Polynomial>,
    is_level: bool,
    total: Option<Polynomial>,
    sum: Interval,
}

impl Found {
    fn between(interval: Interval) -> Self {
        Self { interval, element: None, is_level: false, total: None, sum: Interval::ALL }
    }

    /// All that is known about a node of this shape, for which `unknown` is the element of an interval.
    fn known(self, shape: &[usize], unknown: impl Fn(Interval) -> Polynomial) -> Known {
        let channels = shape.first().copied().unwrap_or_default();
        let element = self.element.filter(|element| !element.is_long());
        let interval = element.as_ref().map_or(self.interval, |element| element.bounds().within(self.interval));
        let element = element.unwrap_or_else(|| unknown(interval));
        let is_level = self.is_level || channels == 1;
        let of_level = is_level.then(|| element.clone().scaled(channels as f64, 0.0));
        let total = of_level.or(self.total).filter(|total| !total.is_long());
        let of_total = total.as_ref().map_or(Interval::ALL, Polynomial::bounds);
        let sum = interval.summed(channels).within(of_total).within(self.sum);
        Known { interval, element, is_level, total, sum }
    }
}

impl From<Known> for Found {
    fn from(Known { interval, element, is_level, total, sum }: Known) -> Self {
        Self { interval, element: Some(element), is_level, total, sum }
    }
}

impl Checker<'_> {
    /// How an element of a node may be outside of a domain, as in "it may be negative". None if none can.
    pub(super) fn outside(&self, nodes: &[Node], node: NodeId, domain: Domain) -> Option<&'static str> {
        let all = self.known(&nodes[..=node.0], &[], Place { of: None, uses: &[] });
        let known = &all[node.0];
        match domain {
            Domain::Simplex => (!known.is_proportions()).then_some("may add up to anything"),
            Domain::Whole => (!self.is_whole(nodes, node)).then_some("need not be a whole number of the data"),
            Domain::Real | Domain::Positive | Domain::Unit => known.interval.outside(domain),
        }
    }

    /// What is known about the values of a `let`, whose number is given.
    pub(super) fn known_of(&self, network: &Network, of: usize) -> Known {
        let mut all = self.known(&network.nodes, &[], Place { of: Some(of), uses: &[] });
        all.swap_remove(network.output.0)
    }

    /// How the values of a network may be unlike those of a space, or unlike means of such values. None if they cannot.
    pub(super) fn unlike(&self, network: &Network, space: Space) -> Option<&'static str> {
        let mut all = self.known(&network.nodes, &[], Place { of: None, uses: &[] });
        let known = all.swap_remove(network.output.0);
        match space {
            Space::Simplex | Space::Label => (!known.is_proportions()).then_some("may add up to anything"),
            Space::Sphere => (!self.is_direction(network)).then_some("may have any length"),
            _ if known.interval.is_inside(Interval::of(space)) => None,
            Space::Positive => Some("may be 0 or negative"),
            Space::Count => Some("may be negative"),
            _ => Some("may be below 0 or above 1"),
        }
    }

    fn is_direction(&self, network: &Network) -> bool {
        match &network.nodes[network.output.0].op {
            Op::Block { block, .. } => block.entry.name == "direction",
            Op::Variable(id) => self.variable(*id).space == Space::Sphere,
            Op::Let(id) | Op::Net(id) => match &self.nets.done[id.0].body {
                NetBody::Network(inner) => self.is_direction(inner),
                NetBody::Rust { .. } => false,
            },
            Op::Known(_) | Op::Formal(_) | Op::Past(_) | Op::Experts { .. } => false,
        }
    }

    /// Whether a node consists of whole numbers from 0 that are constant or of the data.
    fn is_whole(&self, nodes: &[Node], node: NodeId) -> bool {
        let node = &nodes[node.0];
        let inputs = || node.inputs.iter().all(|input| self.is_whole(nodes, *input));
        let is_whole = |value: f64| value >= 0.0 && value.fract() == 0.0;
        match &node.op {
            Op::Block { block, .. } => match block.entry.name {
                "filled" | "constant" => is_whole(blocks::number(block, "value")),
                "affine" => {
                    ["scale", "shift"].into_iter().all(|name| is_whole(blocks::number(block, name))) && inputs()
                }
                "add" | "multiply" | "sum" | "spread" | "reshape" | "flatten" | "channels" | "concat" | "stack" => {
                    inputs()
                }
                _ => false,
            },
            Op::Variable(id) => {
                let variable = self.variable(*id);
                matches!(variable.role, Role::Given | Role::Observed)
                    && matches!(variable.space, Space::Count | Space::Binary | Space::Label)
            }
            Op::Let(id) => match &self.nets.done[id.0].body {
                NetBody::Network(inner) => self.is_whole(&inner.nodes, inner.output),
                NetBody::Rust { .. } => false,
            },
            // What is known of a variable has zeros, and one more channel.
            Op::Known(_) | Op::Formal(_) | Op::Past(_) | Op::Net(_) | Op::Experts { .. } => false,
        }
    }

    /// What is known about each node of a network.
    fn known(&self, nodes: &[Node], arguments: &[Known], place: Place<'_>) -> Vec<Known> {
        let mut all: Vec<Known> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let found = match &node.op {
                Op::Block { block, .. } => of_block(block, nodes, at, &all),
                Op::Net(net) => match &self.nets.done[net.0].body {
                    NetBody::Network(network) => {
                        let inputs: Vec<Known> = node.inputs.iter().map(|input| all[input.0].clone()).collect();
                        let uses = [place.uses, &[at]].concat();
                        let mut inner = self.known(&network.nodes, &inputs, Place { uses: &uses, ..place });
                        inner.swap_remove(network.output.0).into()
                    }
                    NetBody::Rust { .. } => Found::between(Interval::ALL),
                },
                Op::Formal(argument) => known_or_any(arguments.get(*argument)),
                Op::Let(value) => known_or_any(self.nets.done[value.0].known.as_ref()),
                Op::Variable(id) => self.of_variable(*id),
                // The first position reads zeros.
                Op::Past(of) => Found::between(Interval::of(self.variable(*of).space).with(Interval::closed(0.0, 0.0))),
                // Zeros in records that lack it, and the presence.
                Op::Known(of) => {
                    Found::between(Interval::of(self.variable(*of).space).with(Interval::closed(0.0, 1.0)))
                }
                // Parameters of a distribution.
                Op::Experts { .. } => Found::between(Interval::ALL),
            };
            all.push(found.known(&node.shape, |interval| place.unknown(at, interval)));
        }
        all
    }

    fn of_variable(&self, id: VariableId) -> Found {
        let space = self.variable(id).space;
        let interval = Interval::of(space);
        Found {
            element: Some(Polynomial::unknown(Unknown::Variable(id), interval)),
            total: matches!(space, Space::Simplex | Space::Label).then(|| Polynomial::constant(1.0)),
            ..Found::between(interval)
        }
    }
}

fn known_or_any(known: Option<&Known>) -> Found {
    known.map_or(Found::between(Interval::ALL), |known| known.clone().into())
}
