//! Whether the values of a network's node are guaranteed to lie in the domain of a natural parameter.
//!
//! The facts about the nodes of a network follow from those about their inputs, in one pass. That `a * x + (1 - a) * y` are
//! proportions if x and y are, is known from the sum over the channels, in which the unknown a cancels.

use super::Checker;
use crate::catalog::{Block, Domain, Space};
use crate::graph::{Combination, Interval, Known, NetBody, Network, Node, NodeId, Op, Unknown, Use, Value, VariableId};

/// The place of a network: the value it belongs to, if any, and the uses of named networks that lead to it.
#[derive(Clone, Copy)]
struct Place<'p> {
    of: Option<usize>,
    uses: &'p [usize],
}

impl Place<'_> {
    /// The number that a node yields, of which nothing is known.
    fn unknown(self, at: usize) -> Combination {
        Combination::unknown(Unknown::Node { of: self.of, at: [self.uses, &[at]].concat() })
    }
}

impl Checker<'_> {
    /// How an element of a node may be outside of a domain, as in "it may be negative". None if none can.
    pub(super) fn outside(&self, nodes: &[Node], node: NodeId, domain: Domain) -> Option<&'static str> {
        let all = self.known(&nodes[..=node.0], &[], Place { of: None, uses: &[] });
        let known = &all[node.0];
        match domain {
            Domain::Simplex => (!known.is_proportions()).then_some("may add up to anything"),
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
            Op::Formal(_) | Op::Past(_) | Op::Experts { .. } => false,
        }
    }

    /// What is known about each node of a network.
    fn known(&self, nodes: &[Node], arguments: &[Known], place: Place<'_>) -> Vec<Known> {
        let mut all: Vec<Known> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let mut known = match &node.op {
                Op::Block { block, .. } => of_block(block, nodes, at, &all, place),
                Op::Net(net) => match &self.nets.done[net.0].body {
                    NetBody::Network(network) => {
                        let inputs: Vec<Known> = node.inputs.iter().map(|input| all[input.0].clone()).collect();
                        let uses = [place.uses, &[at]].concat();
                        let mut inner = self.known(&network.nodes, &inputs, Place { uses: &uses, ..place });
                        inner.swap_remove(network.output.0)
                    }
                    NetBody::Rust { .. } => Known::between(Interval::ALL),
                },
                Op::Formal(argument) => arguments.get(*argument).cloned().unwrap_or(Known::between(Interval::ALL)),
                Op::Let(value) => self.nets.done[value.0].known.clone(),
                Op::Variable(id) => self.of_variable(*id),
                // The first position reads zeros.
                Op::Past(of) => Known::between(Interval::of(self.variable(*of).space).with(Interval::closed(0.0, 0.0))),
                // Parameters of a distribution.
                Op::Experts { .. } => Known::between(Interval::ALL),
            };
            let is_alone = known.level.is_none() && node.shape.first() == Some(&1);
            if is_alone || known.level.as_ref().is_some_and(Combination::is_long) {
                known.level = Some(place.unknown(at));
            }
            if let (Some(level), Some(channels)) = (&known.level, node.shape.first()) {
                known.total = Some(level.clone().scaled(*channels as f64, 0.0));
            }
            known.total = known.total.filter(|total| !total.is_long());
            all.push(known);
        }
        all
    }

    fn of_variable(&self, id: VariableId) -> Known {
        let variable = self.variable(id);
        let is_alone = variable.shape.first() == Some(&1);
        Known {
            interval: Interval::of(variable.space),
            level: is_alone.then(|| Combination::unknown(Unknown::Variable(id))),
            total: matches!(variable.space, Space::Simplex | Space::Label).then(|| Combination::constant(1.0)),
        }
    }
}

/// What a block makes of what is known about its inputs.
fn of_block(block: &Use<Block>, nodes: &[Node], at: usize, before: &[Known], place: Place<'_>) -> Known {
    let node = &nodes[at];
    let inputs: Vec<&Known> = node.inputs.iter().map(|input| &before[input.0]).collect();
    let interval = match (block.entry.name, node.inputs.as_slice()) {
        ("multiply", [left, right]) if left == right => before[left.0].interval.squared(),
        ("matmul", [left, right]) => averaged(&before[left.0], &before[right.0], nodes[left.0].shape.len() == 1)
            .unwrap_or_else(|| yields(block, &mut inputs.iter().map(|input| input.interval))),
        _ => yields(block, &mut inputs.iter().map(|input| input.interval)),
    };
    let is_level = !inputs.is_empty() && inputs.iter().all(|input| input.level.is_some());
    let unknown = || (is_level && ELEMENTWISE.contains(&block.entry.name)).then(|| place.unknown(at));
    let is_matrix = node.inputs.first().is_some_and(|left| nodes[left.0].shape.len() == 2);
    let channels = node.shape.first().map_or(0.0, |channels| *channels as f64);
    Known {
        interval,
        level: level(block, &inputs).or_else(unknown),
        total: total(block, &inputs, (channels, is_matrix)),
    }
}

/// The interval of a product of matrices if the elements of one of them are weights with a known sum: the columns of the right one,
/// or the left one if it is a vector.
fn averaged(left: &Known, right: &Known, is_vector: bool) -> Option<Interval> {
    let weights = |of: &Known| {
        let sum = of.total.as_ref().and_then(Combination::number).filter(|sum| *sum > 0.0)?;
        of.interval.is_not_negative().then(|| Interval::closed(sum, sum))
    };
    match (weights(right), weights(left).filter(|_| is_vector)) {
        (Some(sum), _) => Some(left.interval * sum),
        (None, Some(sum)) => Some(right.interval * sum),
        (None, None) => None,
    }
}

/// Blocks that yield equal elements from equal elements.
const ELEMENTWISE: [&str; 10] =
    ["sigmoid", "tanh", "exp", "softplus", "relu", "elu", "log", "log1p", "multiply", "divide"];

/// The element that all channels have.
fn level(block: &Use<Block>, inputs: &[&Known]) -> Option<Combination> {
    match (block.entry.name, inputs) {
        ("filled" | "constant", _) => Some(Combination::constant(number(block, "value"))),
        ("affine", [of]) => Some(of.level.clone()?.scaled(number(block, "scale"), number(block, "shift"))),
        ("spread", [of]) => of.level.clone(),
        ("multiply", [left, right]) => left.level.as_ref()?.times(right.level.as_ref()?),
        _ => linear(block, inputs, |known| known.level.as_ref()),
    }
}

/// The sum over the channels, whose number is given with whether the first input is a matrix.
fn total(block: &Use<Block>, inputs: &[&Known], (channels, is_matrix): (f64, bool)) -> Option<Combination> {
    match (block.entry.name, inputs) {
        ("softmax", _) => Some(Combination::constant(1.0)),
        // The members of a set, or averages over positions, that all have the same sum.
        ("stack", [first, rest @ ..]) => {
            first.total.clone().filter(|sum| rest.iter().all(|one| one.total.as_ref() == Some(sum)))
        }
        ("global_pool" | "downsample" | "upsample" | "resize", [of]) => {
            of.total.as_ref()?.number().map(Combination::constant)
        }
        ("affine", [of]) => Some(of.total.clone()?.scaled(number(block, "scale"), channels * number(block, "shift"))),
        ("spread", [of]) => of.total.clone(),
        ("multiply", [left, right]) => {
            let product = |level: &Known, of: &Known| level.level.as_ref()?.times(of.total.as_ref()?);
            product(left, right).or_else(|| product(right, left))
        }
        // Every column of the matrix has the same sum.
        ("matmul", [left, right]) if is_matrix => {
            Some(right.total.clone()?.scaled(left.total.as_ref()?.number()?, 0.0))
        }
        _ => linear(block, inputs, |known| known.total.as_ref()),
    }
}

/// A sum, a difference or a quotient by a number, of what `part` takes from each input.
fn linear<'k>(
    block: &Use<Block>,
    inputs: &[&'k Known],
    part: impl Fn(&'k Known) -> Option<&'k Combination>,
) -> Option<Combination> {
    let (first, rest) = inputs.split_first()?;
    let first = part(first)?.clone();
    match block.entry.name {
        "add" => rest.iter().try_fold(first, |sum, one| Some(sum.plus(part(one)?))),
        "subtract" => rest.iter().try_fold(first, |left, one| Some(left.plus(&part(one)?.clone().scaled(-1.0, 0.0)))),
        "divide" => rest.iter().try_fold(first, |whole, one| {
            let by = one.level.as_ref()?.number().filter(|by| *by != 0.0)?;
            Some(whole.scaled(1.0 / by, 0.0))
        }),
        _ => None,
    }
}

/// The numbers that a block yields from its inputs.
fn yields(block: &Use<Block>, inputs: &mut dyn Iterator<Item = Interval>) -> Interval {
    let own = |name: &str| Interval::closed(number(block, name), number(block, name));
    let mut fold = |of: fn(Interval, Interval) -> Interval| inputs.reduce(of).unwrap_or(Interval::ALL);
    match block.entry.name {
        "softmax" => Interval::open(0.0, 1.0),
        "sigmoid" => fold(Interval::with).mapped(|t| 1.0 / (1.0 + (-t).exp()), Interval::open(0.0, 1.0)),
        "tanh" => fold(Interval::with).mapped(f64::tanh, Interval::open(-1.0, 1.0)),
        "exp" => fold(Interval::with).mapped(f64::exp, Interval::POSITIVE),
        "softplus" => fold(Interval::with).mapped(|t| t.max(0.0) + (-t.abs()).exp().ln_1p(), Interval::POSITIVE),
        "relu" => fold(Interval::with).mapped(|t| t.max(0.0), Interval::NOT_NEGATIVE),
        "log1p" => fold(Interval::with).mapped(|t| t.max(0.0).ln_1p(), Interval::NOT_NEGATIVE),
        "elu" => {
            fold(Interval::with).mapped(|t| if t > 0.0 { t } else { t.exp_m1() }, Interval::open(-1.0, f64::INFINITY))
        }
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
