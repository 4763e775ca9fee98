//! The parameters of a distribution: from one network, by name, or some by name and the others from the network.
//!
//! Whatever is given ends up side by side in the head, in the distribution's order, as one network.

use super::Checker;
use super::network::{Builder, Reads};
use crate::ast::{self, Expression, ExpressionKind};
use crate::catalog::{Distribution, Domain, show_shape};
use crate::diagnostics::messages;
use crate::graph::{Network, NodeId, Number, Op, Operator, Use, Value};

/// A parameter given by name.
#[derive(Clone, Copy)]
pub(super) struct Given<'f> {
    /// Which of the distribution's parameters it is, and whether under its other name.
    natural: usize,
    is_other: bool,
    argument: &'f ast::Argument,
    name: &'f ast::Name,
}

/// What the head of a factor is made of.
pub(super) struct Wanted<'w> {
    pub base: &'w Use<Distribution>,
    pub given: &'w [Given<'w>],
    pub network: Option<&'w Expression>,
    /// The whole head, and what it is in words.
    pub head: &'w [usize],
    pub needs: &'w str,
    /// The variable's shape.
    pub shape: &'w [usize],
    /// The same, symbolic.
    pub dims: &'w [Number],
    /// Whether the factor has no parents: what it is not given is learned.
    pub is_root: bool,
}

impl Checker<'_> {
    /// The parameters among the arguments of a distribution, and the other arguments.
    pub(super) fn split<'f>(
        &mut self,
        entry: &Distribution,
        arguments: &'f [ast::Argument],
    ) -> Option<(Vec<Given<'f>>, Vec<ast::Argument>)> {
        let (mut given, mut rest): (Vec<Given<'f>>, Vec<ast::Argument>) = Default::default();
        for argument in arguments {
            let found = argument.name.as_ref().and_then(|name| {
                let is_other =
                    |other: Option<(&str, Domain, &str)>| other.is_some_and(|(other, ..)| other == name.text);
                let natural = entry.natural.iter().position(|one| one.name == name.text || is_other(one.other))?;
                Some(Given { natural, is_other: entry.natural[natural].name != name.text, argument, name })
            });
            match found {
                Some(found) if given.iter().any(|other| other.natural == found.natural) => {
                    self.findings.push(messages::natural_twice(&found.name.text, found.name.span));
                    return None;
                }
                Some(found) => given.push(found),
                None => rest.push(argument.clone()),
            }
        }
        Some((given, rest))
    }

    /// The network that yields the head.
    pub(super) fn head_network(&mut self, reads: Reads<'_>, wanted: &Wanted<'_>) -> Option<Network> {
        let (entry, span) = (wanted.base.entry, wanted.base.span);
        if wanted.given.is_empty() {
            let learned = Expression { kind: ExpressionKind::Learned(None), span };
            let mut builder = Builder::new(self, reads);
            builder.rest = Some(wanted.dims[1..].to_vec());
            return builder.factor_network(wanted.network.unwrap_or(&learned), wanted.head, wanted.needs);
        }
        let left = entry.natural.len() - wanted.given.len();
        match wanted.network {
            Some(network) if left == 0 => {
                self.findings.push(messages::natural_and_network(entry.name, network.span));
                return None;
            }
            None if left > 0 && !wanted.is_root => {
                let left = entry.natural.iter().enumerate();
                let left = left.filter(|(at, _)| wanted.given.iter().all(|given| given.natural != *at));
                let names: Vec<_> = left.map(|(_, one)| format!("`{}`", one.name)).collect();
                let example =
                    format!("give {} too, or let a network yield the rest: `from … |> …`", names.join(" and "));
                self.findings.push(messages::network_missing(entry.name, span, &example));
                return None;
            }
            _ => {}
        }
        let (arguments, channels) = (wanted.base.values(), wanted.shape[0]);
        if left > 0 && entry.natural.iter().any(|one| (one.channels)(&arguments, channels) != channels) {
            self.findings.push(messages::natural_apart(entry.name, span));
            return None;
        }
        Builder::new(self, reads).head(wanted, left)
    }
}

impl Builder<'_, '_> {
    /// Every parameter, in the distribution's order, side by side.
    fn head(mut self, wanted: &Wanted<'_>, left: usize) -> Option<Network> {
        let entry = wanted.base.entry;
        self.rest = Some(wanted.dims[1..].to_vec());
        let learned = Expression { kind: ExpressionKind::Learned(None), span: wanted.base.span };
        let network = match wanted.network.or_else(|| (left > 0).then_some(&learned)) {
            Some(network) => Some(self.left(wanted, network, left)?),
            None => None,
        };
        let mut read = network;
        let mut values: Vec<Option<NodeId>> = vec![None; entry.natural.len()];
        // Numbers take their batch from what is read, so they come last.
        for numbers in [false, true] {
            for given in wanted.given {
                if self.reads_anything(&given.argument.value) == numbers {
                    continue;
                }
                let node = self.parameter(wanted, given, read)?;
                read = read.or(Some(node));
                values[given.natural] = Some(node);
            }
        }
        let mut parts: Vec<NodeId> = Vec::new();
        for value in values {
            match (value, network) {
                (Some(value), _) => parts.push(value),
                (None, Some(network)) if !parts.contains(&network) => parts.push(network),
                // The network yields what is left in one piece, which must stand in one place.
                (None, _) => {
                    self.checker.findings.push(messages::natural_apart(entry.name, wanted.base.span));
                    return None;
                }
            }
        }
        let output = match parts.as_slice() {
            [one] => *one,
            _ => self.block("concat", Vec::new(), parts, wanted.base.span)?,
        };
        Some(Network { nodes: self.nodes, output })
    }

    /// What the network yields: the parameters that are not given.
    fn left(&mut self, wanted: &Wanted<'_>, network: &Expression, left: usize) -> Option<NodeId> {
        let mut shape = wanted.shape.to_vec();
        shape[0] = shape[0].saturating_mul(left);
        let times = Number::Literal(Value::Int(i64::try_from(left).ok()?));
        self.out = Some(Number::Binary(Operator::Multiply, Box::new(times), Box::new(wanted.dims[0].clone())));
        let node = self.value(network, Some(&shape));
        self.out = None;
        self.fits(node?, "what is left to the network", &shape, network)
    }

    /// One parameter that is given by name.
    fn parameter(&mut self, wanted: &Wanted<'_>, given: &Given<'_>, read: Option<NodeId>) -> Option<NodeId> {
        let (entry, expression) = (wanted.base.entry, &given.argument.value);
        let natural = &entry.natural[given.natural];
        let mut shape = wanted.shape.to_vec();
        shape[0] = (natural.channels)(&wanted.base.values(), shape[0]);
        let other = natural.other.filter(|_| given.is_other);
        let domain = other.map_or(natural.domain, |(_, domain, _)| domain);
        let node = match self.reads_anything(expression) {
            true => {
                let outer = std::mem::replace(&mut self.prefix, format!("{}.", given.name.text));
                let is_learned = matches!(expression.ungrouped().kind, ExpressionKind::Learned(None));
                self.out = (shape == wanted.shape).then(|| wanted.dims[0].clone());
                let head = Some(&shape).filter(|_| self.out.is_some() || is_learned);
                let node = self.value(expression, head.map(Vec::as_slice));
                (self.out, self.prefix) = (None, outer);
                let node = self.fits(node?, &given.name.text, &shape, expression)?;
                match domain {
                    // What is learned is anything; it is brought where it belongs.
                    Domain::Positive if is_learned => self.block("exp", Vec::new(), vec![node], expression.span)?,
                    _ => node,
                }
            }
            false => {
                let number = self.checker.number(expression)?.0;
                match read {
                    Some(read) => {
                        let channels = ("channels", wanted.dims[0].clone());
                        self.block("filled", vec![("value", number), channels], vec![read], expression.span)?
                    }
                    None if wanted.is_root => {
                        let sizes = wanted.dims.iter().map(|size| ("sizes", size.clone()));
                        let all = std::iter::once(("value", number)).chain(sizes).collect();
                        self.block("constant", all, Vec::new(), expression.span)?
                    }
                    None => {
                        self.checker.findings.push(messages::natural_numbers(entry.name, wanted.base.span));
                        return None;
                    }
                }
            }
        };
        if domain == Domain::Positive && !self.is_positive(node) {
            self.checker.findings.push(messages::natural_domain(&given.name.text, expression.span));
            return None;
        }
        match other {
            Some((_, _, block)) => self.block(block, Vec::new(), vec![node], expression.span),
            None => Some(node),
        }
    }

    fn fits(&mut self, node: NodeId, name: &str, shape: &[usize], at: &Expression) -> Option<NodeId> {
        let found = &self.nodes[node.0].shape;
        if found == shape {
            return Some(node);
        }
        let (wanted, found) = (show_shape(shape), show_shape(found));
        let place = self.place();
        self.checker.findings.push(messages::natural_unfit(&place, name, &wanted, &found, at.span));
        None
    }

    /// Whether every element is sure to be positive.
    fn is_positive(&self, node: NodeId) -> bool {
        let node = &self.nodes[node.0];
        let Op::Block { block, .. } = &node.op else { return false };
        let number = |name: &str| match block.args.iter().find(|argument| argument.name == name).map(|one| &one.value) {
            Some(Value::Real(value)) => *value,
            _ => 0.0,
        };
        let inputs = || node.inputs.iter().all(|input| self.is_positive(*input));
        match block.entry.name {
            "exp" | "softplus" | "sigmoid" => true,
            "filled" | "constant" => number("value") > 0.0,
            "affine" => {
                number("scale") >= 0.0 && number("shift") >= 0.0 && inputs() && number("scale") + number("shift") > 0.0
            }
            "add" | "multiply" | "divide" | "spread" | "upsample" | "downsample" | "concat" | "reshape" | "flatten" => {
                inputs()
            }
            _ => false,
        }
    }
}
