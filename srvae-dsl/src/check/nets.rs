//! Named networks. They are checked at their first use, when the shapes of their arguments are known, and are shared by
//! later uses.

use super::Checker;
use super::network::{Builder, Reads};
use crate::ast::{self, Expression, Formal, Space};
use crate::catalog::{Cost, show_shape};
use crate::diagnostics::{Diagnostic, MOST_NETS, messages};
use crate::graph::{Dependences, Net, NetBody, NetId, Network, Number, Op, family};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The named networks of a file.
#[derive(Default)]
pub(super) struct Nets<'a> {
    /// In the order of the file.
    pub declared: Vec<Declared<'a>>,
    by_name: BTreeMap<String, usize>,
    states: Vec<State>,
    /// The networks that were used, each after those that it uses.
    pub done: Vec<Net>,
    /// The nesting depth of each of these networks.
    depths: Vec<usize>,
    /// Networks whose checks wait for the next one.
    waiting: Vec<Use>,
    /// A network that the current one uses and that has not been checked yet.
    wanted: Option<Use>,
}

/// A use of a network.
struct Use {
    index: usize,
    inputs: Vec<Vec<usize>>,
    place: Span,
}

/// A network as the file declares it.
#[derive(Clone)]
pub(super) struct Declared<'a> {
    pub name: String,
    pub docs: Vec<String>,
    pub formals: Vec<Formal>,
    /// The variables that a `let` depends on.
    pub reads: Dependences,
    pub output: Option<&'a Space>,
    pub body: Definition<'a>,
    pub span: Span,
}

/// The right-hand side of a network or a `let`.
#[derive(Clone, Copy)]
pub(super) enum Definition<'a> {
    Network(&'a Expression),
    Rust(&'a ast::Name),
    /// A function of variables.
    Let(&'a Expression),
}

impl<'a> From<&'a ast::NetBody> for Definition<'a> {
    fn from(body: &'a ast::NetBody) -> Self {
        match body {
            ast::NetBody::Expression(expression) => Self::Network(expression),
            ast::NetBody::Rust(path) => Self::Rust(path),
        }
    }
}

impl Declared<'_> {
    pub fn is_let(&self) -> bool {
        matches!(self.body, Definition::Let(_))
    }
}

#[derive(Clone)]
enum State {
    Unused,
    Failed,
    /// Checked at these shapes. Only a member of a family may have several.
    Done(Vec<Instance>),
}

/// A network at the shapes of its inputs.
#[derive(Clone, Copy)]
struct Instance {
    id: NetId,
    first_use: Span,
}

impl<'a> Nets<'a> {
    pub(super) fn declare(&mut self, net: Declared<'a>) {
        self.by_name.insert(net.name.clone(), self.declared.len());
        self.declared.push(net);
        self.states.push(State::Unused);
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    fn depth(&self, network: &Network) -> usize {
        let used = network.nodes.iter().filter_map(|node| match node.op {
            Op::Net(id) => Some(self.depths[id.0] + 1),
            Op::Block { .. }
            | Op::Variable(_)
            | Op::Known(_)
            | Op::Formal(_)
            | Op::Past(_)
            | Op::Let(_)
            | Op::Experts { .. } => None,
        });
        used.max().unwrap_or(0)
    }

    /// Networks that no factor uses. A family is listed once, if no member is used.
    pub(super) fn unused(&self) -> Vec<&Declared<'a>> {
        let mut used: BTreeSet<&str> = BTreeSet::new();
        let mut all: Vec<&Declared<'a>> = Vec::new();
        let states = || self.states.iter().zip(&self.declared);
        used.extend(states().filter(|(state, _)| !matches!(state, State::Unused)).map(|(_, net)| family(&net.name)));
        for (_, net) in states() {
            if used.insert(family(&net.name)) {
                all.push(net);
            }
        }
        all
    }
}

impl Checker<'_> {
    /// A network applied to inputs of these shapes. None if the shapes do not fit; the error is then reported.
    ///
    /// A network `f[l]` has one instance, with its own weights, for each shape at which it is used. Any other network
    /// has one shape.
    pub(super) fn use_net(&mut self, index: usize, inputs: Vec<Vec<usize>>, used: Span) -> Option<NetId> {
        if let State::Done(instances) = &self.nets.states[index] {
            let fits = |instance: &&Instance| self.nets.done[instance.id.0].inputs == inputs;
            if let Some(instance) = instances.iter().find(fits) {
                return Some(instance.id);
            }
            let is_member = self.paths.contains_key(&self.nets.declared[index].name);
            if let Some(first) = instances.first().filter(|_| !is_member) {
                let net = &self.nets.done[first.id.0];
                let (here, there) = (show_shapes(&inputs), show_shapes(&net.inputs));
                self.findings.push(messages::net_at_two_shapes(&net.name, used, &here, first.first_use, &there));
                return None;
            }
        }
        if matches!(self.nets.states[index], State::Failed) {
            return None;
        }
        let wanted = Use { index, inputs, place: used };
        if !self.nets.waiting.is_empty() {
            self.nets.wanted.get_or_insert(wanted);
            return None;
        }
        self.first_uses(wanted);
        match &self.nets.states[index] {
            State::Done(instances) => instances.last().map(|instance| instance.id),
            State::Unused | State::Failed => None,
        }
    }

    /// Checks a network after those that it uses. There is no recursion, so the nesting depth is not limited by the
    /// stack.
    fn first_uses(&mut self, first: Use) {
        self.nets.waiting.push(first);
        while let Some(Use { index, inputs, place }) = self.nets.waiting.last() {
            let (index, inputs, place) = (*index, inputs.clone(), *place);
            let found = self.first_use(index, inputs, place);
            if let (None, Some(wanted)) = (&found, self.nets.wanted.take()) {
                // This one is tried again after the network that it needs.
                self.nets.waiting.push(wanted);
                continue;
            }
            self.nets.waiting.pop();
            let Some((mut net, depth)) = found else {
                self.nets.states[index] = State::Failed;
                continue;
            };
            let instance = Instance { id: NetId(self.nets.done.len()), first_use: place };
            match &mut self.nets.states[index] {
                State::Done(instances) => {
                    net.path = format!("{}_{}", net.path, instances.len() + 1);
                    instances.push(instance);
                }
                other => *other = State::Done(vec![instance]),
            }
            self.nets.done.push(net);
            self.nets.depths.push(depth);
        }
    }

    fn first_use(&mut self, index: usize, inputs: Vec<Vec<usize>>, used: Span) -> Option<(Net, usize)> {
        let declared = self.nets.declared[index].clone();
        let input_dims = self.input_dims(&declared, &inputs, used)?;
        let output = match declared.output {
            Some(space) => Some(self.declared_shape(space)?),
            None => None,
        };
        let formals: Vec<_> = declared.formals.iter().map(|formal| formal.name.text.clone()).collect();
        let mut depth = 0;
        let (body, output) = match declared.body {
            Definition::Rust(path) => self.rust_net(&declared, path, input_dims, output)?,
            Definition::Network(expression) | Definition::Let(expression) => {
                let reads = match declared.is_let() {
                    true => Reads::Variables { of: index },
                    false => Reads::Formals { net: index, names: &formals, shapes: &inputs },
                };
                let network = Builder::new(self, reads).network(expression, None)?;
                depth = self.nets.depth(&network);
                if depth > MOST_NETS {
                    self.findings.push(messages::nets_too_deep(&declared.name, declared.span));
                    return None;
                }
                let shape = self.output_shape(&declared, &network, output.map(|(_, wanted)| wanted))?;
                (NetBody::Network(network), shape)
            }
        };
        let is_let = declared.is_let();
        let (known, cost) = match &body {
            NetBody::Network(network) if is_let => {
                (Some(self.known_of(network, index)), network.cost_with(&self.nets.done))
            }
            NetBody::Network(network) => (None, network.cost_with(&self.nets.done)),
            NetBody::Rust { .. } => (None, Cost::default()),
        };
        let path = self.paths.get(&declared.name).unwrap_or(&declared.name).clone();
        let net = Net {
            step: self.step_of(&declared.name),
            name: declared.name,
            path,
            docs: declared.docs,
            formals,
            inputs,
            output,
            body,
            is_let,
            reads: declared.reads,
            known,
            cost,
            span: declared.span,
        };
        Some((net, depth))
    }

    /// The declared sizes of the inputs, symbolic. None if the shapes of a use do not fit; the error is then reported.
    fn input_dims(&mut self, declared: &Declared<'_>, inputs: &[Vec<usize>], used: Span) -> Option<Vec<Vec<Number>>> {
        let mut all = Vec::new();
        for (formal, shape) in declared.formals.iter().zip(inputs) {
            let Some(space) = &formal.space else { continue };
            let (dims, wanted) = self.declared_shape(space)?;
            if wanted != *shape {
                let (wanted, found) = (show_shape(&wanted), show_shape(shape));
                let (net, formal) = (&declared.name, &formal.name.text);
                let error = messages::net_input_does_not_fit(net, formal, space.span, &wanted, used, &found);
                self.findings.push(error);
                return None;
            }
            all.push(dims);
        }
        Some(all)
    }

    /// The shape of a network's output. None if the file states another one; the error is then reported.
    fn output_shape(
        &mut self,
        declared: &Declared<'_>,
        network: &Network,
        wanted: Option<Vec<usize>>,
    ) -> Option<Vec<usize>> {
        let shape = network.nodes[network.output.0].shape.clone();
        if let (Some(wanted), Some(space)) = (wanted, declared.output)
            && wanted != shape
        {
            let (wanted, found) = (show_shape(&wanted), show_shape(&shape));
            self.findings.push(messages::net_output_does_not_fit(&declared.name, space.span, &wanted, &found));
            return None;
        }
        Some(shape)
    }

    fn rust_net(
        &mut self,
        declared: &Declared<'_>,
        path: &ast::Name,
        input_dims: Vec<Vec<Number>>,
        output: Option<(Vec<Number>, Vec<usize>)>,
    ) -> Option<(NetBody, Vec<usize>)> {
        if let Some(fault) = rust_path_fault(path) {
            self.findings.push(fault);
            return None;
        }
        let bare = declared.formals.iter().find(|formal| formal.space.is_none());
        let (None, Some((output_dims, shape))) = (bare, output) else {
            let span = bare.map_or(declared.span, |formal| formal.name.span);
            self.findings.push(messages::rust_net_shape_missing(&declared.name, span));
            return None;
        };
        Some((NetBody::Rust { path: path.text.clone(), input_dims, output_dims }, shape))
    }

    pub(super) fn declared_shape(&mut self, space: &Space) -> Option<(Vec<Number>, Vec<usize>)> {
        let entry = self.space_entry(space)?;
        self.sizes(entry, space)
    }
}

/// The error in the path of a Rust type, if any. A single name would be resolved inside generated code, where no items
/// of the user are visible.
fn rust_path_fault(path: &ast::Name) -> Option<Diagnostic> {
    let parsed = syn::parse_str::<syn::Path>(&path.text).ok();
    let is_keyword = |it: &syn::PathSegment| ["crate", "self", "super", "Self"].iter().any(|word| it.ident == word);
    match parsed.filter(|parsed| !parsed.segments.last().is_none_or(is_keyword)) {
        None => Some(messages::rust_path(&path.text, path.span)),
        Some(parsed) if parsed.leading_colon.is_none() && parsed.segments.len() == 1 => {
            Some(messages::bare_rust_path(&path.text, path.span))
        }
        Some(_) => None,
    }
}

fn show_shapes(shapes: &[Vec<usize>]) -> String {
    shapes.iter().map(|shape| show_shape(shape)).collect::<Vec<_>>().join(", ")
}
