//! The natural parameters of a distribution: all from one network, all by name, or some by name and the others from the
//! network.
//!
//! The head concatenates all of them in the distribution's order, as one network.

use super::Checker;
use super::network::{Builder, Reads};
use super::numbers::as_real;
use crate::ast::{self, Expression, ExpressionKind};
use crate::catalog::{self, Distribution, Domain, Natural, show_shape};
use crate::diagnostics::messages;
use crate::graph::{Argument, Network, NodeId, Number, Operator, Use, Value};

/// A parameter given by name.
#[derive(Clone, Copy)]
pub(super) struct Given<'f> {
    /// The index of the natural parameter, and the alternative name that was used.
    natural: usize,
    other: Option<usize>,
    argument: &'f ast::Argument,
    name: &'f ast::Name,
}

/// The requirements for the head of a factor.
pub(super) struct Wanted<'w> {
    pub base: &'w Use<Distribution>,
    pub given: &'w [Given<'w>],
    pub network: Option<&'w Expression>,
    /// The shape of the whole head, and its description for messages.
    pub head: &'w [usize],
    pub needs: &'w str,
    /// The variable's shape.
    pub shape: &'w [usize],
    /// The shape, symbolic.
    pub dims: &'w [Number],
    /// Whether the factor has no parents. Parameters that are not given are then learned.
    pub is_root: bool,
    /// Whether all parameters may be numbers: at a root, and for one of several distributions, beside which others read.
    pub is_constant: bool,
}

impl Wanted<'_> {
    /// The number of channels of a natural parameter, also as a formula of the variable's. None if there is none: the variable's
    /// depends on a parameter of the file, and the number is not linear in it or depends on another one.
    fn channels(&self, natural: usize) -> Option<(usize, Number)> {
        let (arguments, channels) = (self.base.values(), self.shape[0]);
        let of = |more: usize| {
            let count = (self.base.entry.natural[natural].channels)(&arguments, channels.saturating_add(more));
            i64::try_from(count).ok()
        };
        let (own, slope) = (of(0)?, of(1)? - of(0)?);
        if own == i64::try_from(channels).ok()? && slope == 1 {
            return Some((channels, self.dims[0].clone()));
        }
        let is_literal = |argument: &Argument| matches!(argument.number, Number::Literal(_));
        if !self.base.args.iter().all(is_literal) {
            return None;
        }
        let literal = |value| Number::Literal(Value::Int(value));
        if matches!(self.dims[0], Number::Literal(_)) {
            return Some((usize::try_from(own).ok()?, literal(own)));
        }
        if of(2)? - of(1)? != slope {
            return None;
        }
        let rest = own - slope.checked_mul(i64::try_from(channels).ok()?)?;
        let binary = |operator, left, right| Number::Binary(operator, Box::new(left), Box::new(right));
        let scaled = match slope {
            0 => None,
            1 => Some(self.dims[0].clone()),
            _ => Some(binary(Operator::Multiply, literal(slope), self.dims[0].clone())),
        };
        let number = match (scaled, rest) {
            (None, _) => literal(rest),
            (Some(scaled), 0) => scaled,
            (Some(scaled), 1..) => binary(Operator::Add, scaled, literal(rest)),
            (Some(scaled), _) => binary(Operator::Subtract, scaled, literal(-rest)),
        };
        Some((usize::try_from(own).ok()?, number))
    }
}

/// The sum of numbers; equal ones are multiplied.
fn sum_of(numbers: impl Iterator<Item = Number>) -> Option<Number> {
    let mut counted: Vec<(Number, i64)> = Vec::new();
    for number in numbers {
        match counted.iter_mut().find(|(other, _)| *other == number) {
            Some((_, count)) => *count += 1,
            None => counted.push((number, 1)),
        }
    }
    let times = |(number, count)| {
        let count = Number::Literal(Value::Int(count));
        Number::Binary(Operator::Multiply, Box::new(count), Box::new(number))
    };
    let sum = |left, right| Number::Binary(Operator::Add, Box::new(left), Box::new(right));
    counted.into_iter().map(times).reduce(sum)
}

impl Checker<'_> {
    /// Separates the natural parameters from the other arguments of a distribution.
    pub(super) fn split<'f>(
        &mut self,
        entry: &Distribution,
        arguments: &'f [ast::Argument],
    ) -> Option<(Vec<Given<'f>>, Vec<ast::Argument>)> {
        let (mut given, mut rest): (Vec<Given<'f>>, Vec<ast::Argument>) = Default::default();
        for argument in arguments {
            let found = argument.name.as_ref().and_then(|name| {
                let other = |one: &Natural| one.others.iter().position(|(other, ..)| *other == name.text);
                let is_meant = |one: &Natural| one.name == name.text || other(one).is_some();
                let natural = entry.natural.iter().position(is_meant)?;
                Some(Given { natural, other: other(&entry.natural[natural]), argument, name })
            });
            match found {
                Some(found) if given.iter().any(|other| other.natural == found.natural) => {
                    self.findings.push(messages::natural_twice(&found.name.text, found.name.span));
                    return None;
                }
                Some(found) => given.push(found),
                None => {
                    self.is_argument(entry, argument)?;
                    rest.push(argument.clone());
                }
            }
        }
        Some((given, rest))
    }

    /// Whether an argument that is not a natural parameter is another argument of the distribution, or has no name.
    fn is_argument(&mut self, entry: &Distribution, argument: &ast::Argument) -> Option<()> {
        let Some(name) = &argument.name else { return Some(()) };
        let others = |one: &Natural| one.others.iter().map(|(other, ..)| *other);
        let known: Vec<&str> = entry.parameters.iter().map(|parameter| parameter.name).collect();
        if known.contains(&name.text.as_str()) {
            return Some(());
        }
        let naturals = entry.natural.iter().flat_map(|one| others(one).chain([one.name]));
        let known: Vec<&str> = naturals.chain(known).collect();
        self.findings.push(messages::unknown_parameter(entry.name, &name.text, name.span, &known));
        None
    }

    /// The network that yields the head.
    pub(super) fn head_network(&mut self, reads: Reads<'_>, wanted: &Wanted<'_>) -> Option<Network> {
        let (entry, span) = (wanted.base.entry, wanted.base.span);
        let is_left = |(at, one): &(usize, &Natural)| {
            one.domain == Domain::Whole && wanted.given.iter().all(|given| given.natural != *at)
        };
        if let Some((_, natural)) = entry.natural.iter().enumerate().find(is_left) {
            self.findings.push(messages::natural_of_no_network(entry.name, natural.name, span));
            return None;
        }
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
        Builder::new(self, reads).head(wanted, left)
    }
}

impl Builder<'_, '_> {
    /// Concatenates all natural parameters, in the distribution's order.
    fn head(mut self, wanted: &Wanted<'_>, left: usize) -> Option<Network> {
        let entry = wanted.base.entry;
        self.rest = Some(wanted.dims[1..].to_vec());
        let learned = Expression { kind: ExpressionKind::Learned(None), span: wanted.base.span };
        let network = match wanted.network.or_else(|| (left > 0).then_some(&learned)) {
            Some(network) => Some(self.left(wanted, network)?),
            None => None,
        };
        let mut read = network;
        let mut values: Vec<Option<NodeId>> = vec![None; entry.natural.len()];
        // Constants take their batch size from other values, so they come last.
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
        let parts = self.parts(wanted, &values, network)?;
        let output = match parts.as_slice() {
            [one] => *one,
            _ => self.block("concat", Vec::new(), parts, wanted.base.span)?,
        };
        let given = wanted.given.iter().fold(0, |bits, given| bits | 1 << given.natural);
        Some(Network { nodes: self.nodes, output, given })
    }

    /// The given parameters and those of the network in the distribution's order. Where given ones lie between those of the
    /// network, its channels are divided.
    fn parts(
        &mut self,
        wanted: &Wanted<'_>,
        values: &[Option<NodeId>],
        network: Option<NodeId>,
    ) -> Option<Vec<NodeId>> {
        let runs: Vec<&[Option<NodeId>]> = values.chunk_by(|one, next| one.is_none() && next.is_none()).collect();
        let is_whole = runs.iter().filter(|run| run[0].is_none()).count() == 1;
        let (mut parts, mut before, mut at) = (Vec::new(), Vec::new(), 0);
        for run in runs {
            match run[0] {
                Some(given) => parts.push(given),
                None if is_whole => parts.push(network?),
                None => {
                    let from = sum_of(before.iter().cloned()).unwrap_or(Number::Literal(Value::Int(0)));
                    let own = (at..at + run.len()).map(|natural| Some(wanted.channels(natural)?.1));
                    before.extend(own.collect::<Option<Vec<_>>>()?);
                    let arguments = vec![("from", from), ("to", sum_of(before.iter().cloned())?)];
                    parts.push(self.block("channels", arguments, vec![network?], wanted.base.span)?);
                }
            }
            at += run.len();
        }
        Some(parts)
    }

    /// The part of the head from the network: the parameters that are not given.
    fn left(&mut self, wanted: &Wanted<'_>, network: &Expression) -> Option<NodeId> {
        let mut shape = wanted.shape.to_vec();
        let is_left = |at: &usize| wanted.given.iter().all(|given| given.natural != *at);
        let parts = (0..wanted.base.entry.natural.len()).filter(is_left).map(|at| wanted.channels(at));
        let Some(parts) = parts.collect::<Option<Vec<(usize, Number)>>>() else {
            self.checker.findings.push(messages::natural_uncounted(wanted.base.entry.name, wanted.base.span));
            return None;
        };
        shape[0] = parts.iter().fold(0, |sum, (channels, _)| sum.saturating_add(*channels));
        self.out = sum_of(parts.into_iter().map(|(_, number)| number));
        let node = self.value(network, Some(&shape));
        self.out = None;
        self.fits(node?, "the part that is left to the network", &shape, network)
    }

    /// One natural parameter that is given by name.
    fn parameter(&mut self, wanted: &Wanted<'_>, given: &Given<'_>, read: Option<NodeId>) -> Option<NodeId> {
        let (entry, expression) = (wanted.base.entry, &given.argument.value);
        let natural = &entry.natural[given.natural];
        let mut shape = wanted.shape.to_vec();
        shape[0] = (natural.channels)(&wanted.base.values(), shape[0]);
        let other = given.other.map(|at| natural.others[at]);
        let domain = other.map_or(natural.domain, |(_, domain, _)| domain);
        let node = match self.reads_anything(expression) {
            true => self.computed(wanted, given, &shape, domain)?,
            false => self.constant(wanted, given, &shape, read)?,
        };
        if let Some(found) = self.checker.outside(&self.nodes, node, domain) {
            self.checker.findings.push(messages::natural_domain(&given.name.text, domain, found, expression.span));
            return None;
        }
        match other {
            Some((_, _, block)) => self.block(block, Vec::new(), vec![node], expression.span),
            None => Some(node),
        }
    }

    /// Warns about a constant scale that is too small for the density in single precision.
    fn resolves(&mut self, wanted: &Wanted<'_>, given: &Given<'_>, value: &Value) {
        let (Some(value), Some(least)) = (as_real(value), wanted.base.entry.least_scale()) else { return };
        let name = given.name.text.as_str();
        let scale = match name {
            "std" | "scale" => value,
            "var" => value.max(0.0).sqrt(),
            "log_std" | "log_scale" => value.exp(),
            "log_var" => (value / 2.0).exp(),
            _ => return,
        };
        if value.is_finite() && scale < least.scale() && (scale > 0.0 || name.starts_with("log_")) {
            self.checker.findings.push(messages::scale_underflows(name, least, given.argument.value.span));
        }
    }

    /// A parameter of this shape from an expression that reads something, or that is learned.
    fn computed(&mut self, wanted: &Wanted<'_>, given: &Given<'_>, shape: &[usize], domain: Domain) -> Option<NodeId> {
        let expression = &given.argument.value;
        let outer = std::mem::replace(&mut self.prefix, format!("{}.", given.name.text));
        let is_learned = matches!(expression.ungrouped().kind, ExpressionKind::Learned(None));
        self.out = wanted.channels(given.natural).map(|(_, number)| number);
        if is_learned && self.out.is_none() {
            let (place, name) = (self.place(), &given.name.text);
            let error = messages::natural_shapeless(&place, name, shape, "`learned`", expression.span);
            self.checker.findings.push(error);
            return None;
        }
        let head = Some(shape).filter(|_| self.out.is_some());
        let node = self.value(expression, head);
        (self.out, self.prefix) = (None, outer);
        let node = self.fits(node?, &format!("`{}`", given.name.text), shape, expression)?;
        // A learned value is unrestricted, so it is mapped to the domain.
        let onto = match domain {
            Domain::Real => None,
            Domain::Positive => Some("exp"),
            Domain::Unit => Some("sigmoid"),
            Domain::Simplex => Some("softmax"),
            Domain::Whole if is_learned => {
                let (entry, name) = (wanted.base.entry.name, &given.name.text);
                self.checker.findings.push(messages::natural_of_no_network(entry, name, expression.span));
                return None;
            }
            Domain::Whole => None,
        };
        match onto.filter(|_| is_learned) {
            Some(block) => self.block(block, Vec::new(), vec![node], expression.span),
            None => Some(node),
        }
    }

    /// A parameter that is one number for all elements. `read` is a node whose rows are those of the head.
    fn constant(
        &mut self,
        wanted: &Wanted<'_>,
        given: &Given<'_>,
        shape: &[usize],
        read: Option<NodeId>,
    ) -> Option<NodeId> {
        let expression = &given.argument.value;
        let (number, value) = self.checker.fixed(expression)?;
        self.resolves(wanted, given, &value);
        let Some((_, channels)) = wanted.channels(given.natural) else {
            let (place, name) = (self.place(), &given.name.text);
            let error = messages::natural_shapeless(&place, name, shape, "one number", expression.span);
            self.checker.findings.push(error);
            return None;
        };
        match read {
            Some(read) => {
                let arguments = vec![("value", number), ("channels", channels)];
                self.block("filled", arguments, vec![read], expression.span)
            }
            None if wanted.is_constant => {
                let sizes = std::iter::once(&channels).chain(&wanted.dims[1..]).map(|size| ("sizes", size.clone()));
                let all = std::iter::once(("value", number)).chain(sizes).collect();
                self.block("constant", all, Vec::new(), expression.span)
            }
            None => {
                let (name, span) = (wanted.base.entry.name, wanted.base.span);
                let (factor, parent) = match self.reads {
                    Reads::Parents(head) => {
                        let parent = head.parents.first().map(|id| self.checker.variable(id).name.clone());
                        (Some((head.factor.side.name(), head.factor.variable.text.clone())), parent)
                    }
                    Reads::Variables { .. } | Reads::Formals { .. } => (None, None),
                };
                let parent = parent.unwrap_or_default();
                self.checker.findings.push(messages::natural_numbers(name, span, &parent, factor));
                None
            }
        }
    }

    fn fits(&mut self, node: NodeId, what: &str, shape: &[usize], at: &Expression) -> Option<NodeId> {
        let found = &self.nodes[node.0].shape;
        if found == shape {
            return Some(node);
        }
        let remedy = catalog::spread_to(found, shape);
        let (wanted, found) = (show_shape(shape), show_shape(found));
        let place = self.place();
        self.checker.findings.push(messages::natural_unfit(&place, what, &wanted, &found, remedy, at.span));
        None
    }
}
