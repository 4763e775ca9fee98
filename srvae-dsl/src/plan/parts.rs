//! The parts with parameters: layers, flows and the distributions of roots, in the order of construction.

use super::call::Call;
use super::names::Names;
use crate::catalog::{Arity, Block, Distribution, Role};
use crate::graph::{
    Body, Factor, Model, NetBody, NetId, Network, Number, Op, Operator, Side, Stage, Use, Value, VariableId,
};
use std::collections::BTreeMap;

/// Position of a part in [`Parts::all`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub usize);

/// A part that is built once, from shapes.
#[derive(Debug, Clone)]
pub struct Part {
    pub kind: PartKind,
    /// The dotted path of its parameters: `q_z.x.conv`, `features.conv`.
    pub path: String,
    /// The field that holds it: `q_z_x_conv`.
    pub field: String,
    /// The symbolic shapes from which it is built: inputs of a layer, the variable of a root or a flow.
    pub shapes: Vec<Shape>,
    /// The shapes at the checked parameters, without the batch.
    pub inputs: Vec<Vec<usize>>,
}

#[derive(Debug, Clone)]
pub enum PartKind {
    Layer {
        block: Use<Block>,
        /// The distribution and the variable that determine `out`, if the file leaves it to inference.
        inferred: Option<(Use<Distribution>, VariableId)>,
    },
    /// A network written in Rust: the path of its type.
    Rust(String),
    Root(Use<Distribution>),
    Flow(Use<Block>),
}

impl Part {
    /// The name of its entry in the catalogue, or the path of a network in Rust.
    pub fn entry(&self) -> &str {
        match &self.kind {
            PartKind::Layer { block, .. } | PartKind::Flow(block) => block.entry.name,
            PartKind::Root(base) => base.entry.name,
            PartKind::Rust(path) => path,
        }
    }
}

/// A shape without the batch, symbolic.
#[derive(Debug, Clone)]
pub enum Shape {
    /// The shape of a variable, or a shape stated in the file.
    Dims(Vec<Number>),
    /// The shape of a part's output.
    Output(PartId),
    /// The shape of a function's output: a position in [`Parts::shapes`].
    Computed(usize),
}

/// The shape of a function's output, computed from those of its inputs.
#[derive(Debug, Clone)]
pub struct ComputedShape {
    /// The local variable that holds it.
    pub name: String,
    pub call: Call,
    pub inputs: Vec<Shape>,
    /// The first part that is built after it.
    pub before: PartId,
    /// Whether a part is built from it, directly or through other shapes.
    pub needed: bool,
}

/// All parts of a model.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// In the order of construction.
    pub all: Vec<Part>,
    pub shapes: Vec<ComputedShape>,
    by_path: BTreeMap<String, PartId>,
}

impl Parts {
    pub fn part(&self, id: PartId) -> &Part {
        &self.all[id.0]
    }

    /// The part below this path.
    pub fn find(&self, path: &str) -> Option<PartId> {
        self.by_path.get(path).copied()
    }
}

/// `p_z`: the name of a factor and the path of its parameters.
pub fn factor_path(model: &Model, side: Side, variable: VariableId) -> String {
    model.factor(side, variable).map_or_else(String::new, |factor| factor.path.clone())
}

/// The path of a named network's parameters: its name, or `net.` and its name if a factor has that path.
pub fn net_path(model: &Model, net: NetId) -> String {
    below(model, "net", &model.nets[net.0].path)
}

/// A path from the file, with a word before it if a factor has that path.
fn below(model: &Model, word: &str, path: &str) -> String {
    // Paths of factors begin with `p_` or `q_`.
    let may_be = path.starts_with("p_") || path.starts_with("q_");
    match may_be && model.p.iter().chain(&model.q).any(|factor| factor.path == *path) {
        true => format!("{word}.{path}"),
        false => path.to_owned(),
    }
}

/// The path of a flow by its position over the factor's base, or in its `flow` statement.
pub fn flow_path(model: &Model, factor: &str, stage: &Stage, at: usize) -> String {
    let name = stage.flow.entry.name;
    let (owner, at) = match &stage.named {
        None => (factor.to_owned(), at),
        Some((flow, at)) => (below(model, "flow", flow), *at),
    };
    match at {
        0 => format!("{owner}.{name}"),
        _ => format!("{owner}.{name}_{}", at + 1),
    }
}

/// The path of the parameters of a flow's context.
pub fn context_path(flow: &str) -> String {
    format!("{flow}.given")
}

/// The sizes of `known(x)`: those of x with one more channel.
pub fn known_dims(model: &Model, id: VariableId) -> Vec<Number> {
    let mut dims = model.variable(id).dims.clone();
    for channels in dims.iter_mut().take(1) {
        let one = Number::Literal(Value::Int(1));
        *channels = Number::Binary(Operator::Add, Box::new(channels.clone()), Box::new(one));
    }
    dims
}

/// An entry of the catalogue as an operation.
pub fn call(block: &Use<Block>) -> Call {
    Call {
        name: block.entry.name,
        runtime: block.entry.runtime,
        arguments: block.args.clone(),
        many: matches!(block.entry.arity, Arity::Many | Arity::Some),
        repeats: block.entry.parameters.iter().any(|parameter| parameter.repeats),
    }
}

/// All parts of the model: factors of p, then of q, each with the named networks that it uses first, then baselines.
pub fn parts(model: &Model) -> Parts {
    let mut builder =
        Builder { model, parts: Parts::default(), names: Names::with(&["config", "params"]), values: BTreeMap::new() };
    for factor in model.p.iter().chain(&model.q) {
        builder.factor(factor);
    }
    for baseline in model.draws.iter().filter_map(|draw| draw.baseline) {
        builder.value(baseline);
    }
    let mut parts = builder.parts;
    mark_needed(&mut parts);
    parts
}

struct Builder<'m> {
    model: &'m Model,
    parts: Parts,
    names: Names,
    /// Values that were built. A value has the same inputs wherever it is read.
    values: BTreeMap<NetId, Shape>,
}

/// The context in which a network's parts are built.
#[derive(Clone)]
struct Place {
    shape: Shape,
    concrete: Vec<usize>,
}

impl Builder<'_> {
    fn factor(&mut self, factor: &Factor) {
        if let Body::Mixture { values, .. } = &factor.body {
            for network in values.iter().flat_map(|(_, networks)| networks) {
                self.network(network, &factor.path, &[], None);
            }
        }
        let Body::Stochastic { base, flows, network } = &factor.body else { return };
        let path = factor_path(self.model, factor.side, factor.variable);
        let variable = self.model.variable(factor.variable);
        let mut own = Place { shape: Shape::Dims(variable.dims.clone()), concrete: variable.shape.clone() };
        let reshapes = flows.iter().any(|stage| stage.flow.entry.flow().is_some_and(|ways| ways.reshapes));
        if reshapes {
            // Each flow determines the shape of the one inside it.
            for (at, stage) in flows.iter().enumerate().rev() {
                let part = self.flow(&path, at, stage, &own);
                if stage.flow.entry.flow().is_some_and(|ways| ways.reshapes) {
                    own.shape = Shape::Output(part);
                }
                own.concrete.clone_from(&stage.inner);
            }
        }
        match network {
            Some(network) => {
                self.network(network, &path, &[], Some((base, factor.variable)));
            }
            None => {
                self.part(PartKind::Root(base.clone()), path.clone(), std::slice::from_ref(&own));
            }
        }
        for (at, stage) in flows.iter().enumerate().filter(|_| !reshapes) {
            self.flow(&path, at, stage, &own);
        }
    }

    /// A flow, after the network of its context.
    fn flow(&mut self, factor: &str, at: usize, stage: &Stage, own: &Place) -> PartId {
        let path = flow_path(self.model, factor, stage, at);
        let context = stage.context.as_ref().map(|context| self.network(context, &context_path(&path), &[], None));
        let inputs: Vec<Place> = std::iter::once(own.clone()).chain(context).collect();
        self.part(PartKind::Flow(stage.flow.clone()), path, &inputs)
    }

    /// Builds the parts of a network and returns the place of its output.
    fn network(
        &mut self,
        network: &Network,
        path: &str,
        formals: &[Place],
        head: Option<(&Use<Distribution>, VariableId)>,
    ) -> Place {
        let mut places: Vec<Place> = Vec::with_capacity(network.nodes.len());
        for node in &network.nodes {
            let inputs: Vec<Place> = node.inputs.iter().map(|input| places[input.0].clone()).collect();
            let shape = match &node.op {
                Op::Variable(id) | Op::Past(id) => Shape::Dims(self.model.variable(*id).dims.clone()),
                Op::Known(id) => Shape::Dims(known_dims(self.model, *id)),
                Op::Formal(at) => formals[*at].shape.clone(),
                Op::Net(net) => self.net(*net, &inputs),
                Op::Let(value) => self.value(*value),
                // A distribution, from which no part is built.
                Op::Experts { .. } => Shape::Dims(Vec::new()),
                Op::Block { block, inferred } if block.entry.role == Role::Layer => {
                    let inferred = head.filter(|_| *inferred).map(|(base, variable)| (base.clone(), variable));
                    let kind = PartKind::Layer { block: block.clone(), inferred };
                    Shape::Output(self.part(kind, format!("{path}.{}", node.path), &inputs))
                }
                Op::Block { block, .. } => {
                    let inputs = inputs.into_iter().map(|input| input.shape).collect();
                    let (name, before) = (self.names.local("shape"), PartId(self.parts.all.len()));
                    self.parts.shapes.push(ComputedShape { name, call: call(block), inputs, before, needed: false });
                    Shape::Computed(self.parts.shapes.len() - 1)
                }
            };
            places.push(Place { shape, concrete: node.shape.clone() });
        }
        places.swap_remove(network.output.0)
    }

    fn net(&mut self, net: NetId, inputs: &[Place]) -> Shape {
        let (path, declared) = (net_path(self.model, net), &self.model.nets[net.0]);
        match &declared.body {
            NetBody::Network(network) => self.network(network, &path, inputs, None).shape,
            NetBody::Rust { path: rust, .. } => Shape::Output(self.part(PartKind::Rust(rust.clone()), path, inputs)),
        }
    }

    /// A value, after those that it reads. There is no recursion, because each step of a sequence may depend on the one
    /// before.
    fn value(&mut self, value: NetId) -> Shape {
        let mut waiting = vec![value];
        while let Some(at) = waiting.last().copied() {
            let NetBody::Network(network) = &self.model.nets[at.0].body else { break };
            let before = waiting.len();
            waiting.extend(network.lets().filter(|id| !self.values.contains_key(id)));
            if waiting.len() == before {
                waiting.pop();
                if !self.values.contains_key(&at) {
                    let shape = self.net(at, &[]);
                    self.values.insert(at, shape);
                }
            }
        }
        self.values.get(&value).cloned().unwrap_or_else(|| Shape::Dims(Vec::new()))
    }

    /// A part is built at the first use of its path and shared later.
    fn part(&mut self, kind: PartKind, path: String, inputs: &[Place]) -> PartId {
        if let Some(built) = self.parts.find(&path) {
            return built;
        }
        let field = self.names.local(&path);
        let shapes = inputs.iter().map(|input| input.shape.clone()).collect();
        let inputs = inputs.iter().map(|input| input.concrete.clone()).collect();
        let id = PartId(self.parts.all.len());
        self.parts.by_path.insert(path.clone(), id);
        self.parts.all.push(Part { kind, path, field, shapes, inputs });
        id
    }
}

/// Marks the shapes from which parts are built; only these are computed.
fn mark_needed(parts: &mut Parts) {
    let computed = |shapes: &[Shape]| -> Vec<usize> {
        let each = shapes.iter().filter_map(|shape| match shape {
            Shape::Computed(at) => Some(*at),
            Shape::Dims(_) | Shape::Output(_) => None,
        });
        each.collect()
    };
    let mut open: Vec<usize> = parts.all.iter().flat_map(|part| computed(&part.shapes)).collect();
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut parts.shapes[at].needed, true) {
            open.extend(computed(&parts.shapes[at].inputs));
        }
    }
}
