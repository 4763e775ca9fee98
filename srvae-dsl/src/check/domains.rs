//! Whether the values of a network's node are guaranteed to lie in the domain of a natural parameter.
//!
//! The facts about the nodes of a network follow from those about their inputs, in one pass. Every element is a polynomial in
//! elements of other values. So it is known that `a * p + (1 - a) * q` lies between p and q, in which the unknown a occurs twice, and
//! that `a * x + (1 - a) * y` are proportions if x and y are, where a cancels in the sum over the channels.

mod blocks;
mod same;

use super::Checker;
use crate::catalog::{Domain, Space};
use crate::graph::{Interval, Known, NetBody, Network, Node, NodeId, Op, Part, Polynomial, Role, Unknown, VariableId};
use blocks::of_block;
use same::first_of_equals;

/// The place of a network: the value it belongs to, if any, and the uses of named networks that lead to it.
#[derive(Clone, Copy)]
struct Place<'p> {
    of: Option<usize>,
    uses: &'p [usize],
}

impl Place<'_> {
    /// The element that a node yields.
    fn unknown(self, at: usize) -> Unknown {
        Unknown::Node { of: self.of, at: [self.uses, &[at]].concat() }
    }
}

/// What follows for a node from its inputs alone.
struct Found {
    interval: Interval,
    element: Option<Polynomial>,
    is_level: bool,
    total: Option<Polynomial>,
    sum: Interval,
    part: Option<Part>,
    pieces: Vec<(usize, Interval)>,
}

/// Ranges of channels are told apart up to this number.
const MOST_PIECES: usize = 16;

impl Found {
    fn between(interval: Interval) -> Self {
        Self {
            interval,
            element: None,
            is_level: false,
            total: None,
            sum: Interval::ALL,
            part: None,
            pieces: Vec::new(),
        }
    }

    /// All that is known about a node of this shape. `own` is its element, if nothing else is known of it.
    fn known(self, shape: &[usize], own: Unknown) -> Known {
        let channels = shape.first().copied().unwrap_or_default();
        let element = self.element.filter(|element| !element.is_long());
        let interval = element.as_ref().map_or(self.interval, |element| element.bounds().within(self.interval));
        let element = element.unwrap_or_else(|| Polynomial::unknown(own.clone(), interval));
        let own = element.single().cloned().unwrap_or(own);
        let is_level = self.is_level || channels == 1;
        let of_level = is_level.then(|| element.clone().scaled(channels as f64, 0.0));
        let any = interval.summed(channels).within(self.sum);
        let total = of_level.or(self.total).filter(|total| !total.is_long());
        let total = total.unwrap_or_else(|| Polynomial::unknown(Unknown::Sum(Box::new(own.clone())), any));
        let sum = any.within(total.bounds());
        let pieces = match self.pieces.len() {
            2..=MOST_PIECES => self.pieces,
            _ => vec![(channels, interval)],
        };
        let mut known = Known { interval, element, is_level, total, sum, part: self.part, pieces };
        if known.part.is_none() && interval.is_not_negative() && known.adds_up_to_one() {
            known.part = Some(Part { whole: Box::new(own), from: 0, to: channels, channels });
        }
        known
    }
}

impl From<Known> for Found {
    fn from(Known { interval, element, is_level, total, sum, part, pieces }: Known) -> Self {
        Self { interval, element: Some(element), is_level, total: Some(total), sum, part, pieces }
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
        // A value that is computed twice is one unknown number.
        for (at, first) in first_of_equals(nodes).into_iter().enumerate() {
            let node = &nodes[at];
            if first < at {
                all.push(all[first].clone());
                continue;
            }
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
                Op::Known(of) => of_known(self.variable(*of).space, &node.shape),
                // Parameters of a distribution.
                Op::Experts { .. } => Found::between(Interval::ALL),
            };
            all.push(found.known(&node.shape, place.unknown(at)));
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

/// What is known of a variable: its channels, which are zeros in records that lack it, and the presence.
fn of_known(space: Space, shape: &[usize]) -> Found {
    let (channels, presence) = (shape.first().copied().unwrap_or_default(), Interval::closed(0.0, 1.0));
    let value = Interval::of(space).with(Interval::closed(0.0, 0.0));
    let pieces = vec![(channels.saturating_sub(1), value), (channels, presence)];
    Found { pieces, ..Found::between(value.with(presence)) }
}

fn known_or_any(known: Option<&Known>) -> Found {
    known.map_or(Found::between(Interval::ALL), |known| known.clone().into())
}
