//! What holds parameters: layers, flows and the distributions of roots, in the order they are built.

use super::names::Names;
use super::program::Call;
use crate::catalog::{Arity, Block, Distribution, Role};
use crate::graph::{Body, Factor, Model, NetBody, NetId, Network, Number, Op, Side, Stage, Use, VariableId};
use std::collections::BTreeMap;

/// Position of a part in [`Parts::all`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub usize);

/// Something that is built once, from shapes.
#[derive(Debug, Clone)]
pub struct Part {
    pub kind: PartKind,
    /// The dotted name that its parameters lie below: `q_z.x.conv`, `features.conv`.
    pub path: String,
    /// The field that holds it: `q_z_x_conv`.
    pub field: String,
    /// What it is built from, symbolic: inputs of a layer, the variable of a root or a flow.
    pub shapes: Vec<Shape>,
    /// The same at the checked parameters, without the batch.
    pub inputs: Vec<Vec<usize>>,
}

#[derive(Debug, Clone)]
pub enum PartKind {
    Layer {
        block: Use<Block>,
        /// The distribution that decides `out` and the variable it is over, where the file leaves it to inference.
        inferred: Option<(Use<Distribution>, VariableId)>,
    },
    /// A network written in Rust: the path of its type.
    Rust(String),
    Root(Use<Distribution>),
    Flow(Use<Block>),
}

impl Part {
    /// The name in the language of what it is; the path of a network in Rust.
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
    /// Of a variable, or as the file declares it.
    Dims(Vec<Number>),
    /// Of a part's output.
    Output(PartId),
    /// Of a function's output: a position in [`Parts::shapes`].
    Computed(usize),
}

/// The shape of a function's output from those of its inputs.
#[derive(Debug, Clone)]
pub struct ComputedShape {
    /// The local variable that holds it.
    pub name: String,
    pub call: Call,
    pub inputs: Vec<Shape>,
    /// The first part that is built after it.
    pub before: PartId,
    /// Whether a part is built from it, directly or through others.
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

/// `p_z`: the name of a factor, and of where its parameters lie.
pub fn factor_path(model: &Model, side: Side, variable: VariableId) -> String {
    model.factor(side, variable).map_or_else(String::new, |factor| factor.path.clone())
}

/// Where the parameters of a named network lie: below its name, or below `net.` and its name where a factor has it.
pub fn net_path(model: &Model, net: NetId) -> String {
    below(model, "net", &model.nets[net.0].path)
}

/// A path of the file's own, or with a word before it where a factor has it.
fn below(model: &Model, word: &str, path: &str) -> String {
    // Paths of factors begin with their side.
    let may_be = path.starts_with("p_") || path.starts_with("q_");
    match may_be && model.p.iter().chain(&model.q).any(|factor| factor.path == *path) {
        true => format!("{word}.{path}"),
        false => path.to_owned(),
    }
}

/// The path of a flow by its position over its factor's base, or in the statement that it stands in.
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

/// Where the parameters of what makes a flow's context lie.
pub fn context_path(flow: &str) -> String {
    format!("{flow}.given")
}

/// An entry of the catalogue as an operation.
pub fn call(block: &Use<Block>) -> Call {
    Call {
        name: block.entry.name,
        runtime: block.entry.runtime,
        arguments: block.args.clone(),
        many: block.entry.arity == Arity::Many,
        repeats: block.entry.parameters.iter().any(|parameter| parameter.repeats),
    }
}

/// Every part of the model: factors of p, then of q, each with the named networks it is the first to use.
pub fn parts(model: &Model) -> Parts {
    let mut builder =
        Builder { model, parts: Parts::default(), names: Names::with(&["config", "params"]), values: BTreeMap::new() };
    for factor in model.p.iter().chain(&model.q) {
        builder.factor(factor);
    }
    let mut parts = builder.parts;
    mark_needed(&mut parts);
    parts
}

struct Builder<'m> {
    model: &'m Model,
    parts: Parts,
    names: Names,
    /// Values that were built: each has the same inputs wherever it is read.
    values: BTreeMap<NetId, Shape>,
}

/// Where a network's nodes stand while its parts are built.
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
            // Each flow says what the one inside it is over.
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

    /// A flow, and before it what makes its context.
    fn flow(&mut self, factor: &str, at: usize, stage: &Stage, own: &Place) -> PartId {
        let path = flow_path(self.model, factor, stage, at);
        let context = stage.context.as_ref().map(|context| self.network(context, &context_path(&path), &[], None));
        let inputs: Vec<Place> = std::iter::once(own.clone()).chain(context).collect();
        self.part(PartKind::Flow(stage.flow.clone()), path, &inputs)
    }

    /// Builds what a network applies; its output's place.
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
                Op::Formal(at) => formals[*at].shape.clone(),
                Op::Net(net) => self.net(*net, &inputs),
                Op::Let(value) => self.value(*value),
                // A distribution, which no part is built from.
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

    /// A value, after those that it reads: without recursion, for each step of a sequence may go on from the last.
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

    /// A part is built where its path is first met, and shared from then on.
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

/// Shapes are computed for those that build something from them.
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
