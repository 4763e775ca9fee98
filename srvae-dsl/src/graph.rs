//! The checked model: names resolved, shapes known, both graphs acyclic and in order.
//!
//! Everything after the checks (the derivation, the plan, the emitters, the explanations) reads this and nothing
//! earlier. Numbers keep their symbolic form ([`Number`]) beside the value they have at the chosen parameters, so that
//! generated code can be built at other parameters than those it was compiled at.

mod ranges;
mod set;

use crate::catalog::{Arguments, Block, Cost, Distribution, Domain, Function};
pub use crate::catalog::{Space, Value};
use crate::source::Span;
use petgraph::graph::DiGraph;
pub use ranges::in_ranges;
pub use set::VariableSet;
use std::collections::BTreeMap;

/// Position of a variable in [`Model::variables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub usize);

/// Position of a parameter in [`Model::params`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(pub usize);

/// Position of a named network in [`Model::nets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetId(pub usize);

/// A model that passed every check.
#[derive(Debug, Clone)]
pub struct Model {
    pub name: String,
    pub docs: Vec<String>,
    /// In the order of the file.
    pub params: Vec<Param>,
    pub presets: Vec<Preset>,
    pub variables: Vec<Variable>,
    pub nets: Vec<Net>,
    /// The factors of p, parents before children (ties: the file's order). One for every variable that is not given.
    pub p: Vec<Factor>,
    /// The factors of q, parents before children. One for every latent variable.
    pub q: Vec<Factor>,
    /// How terms of the bound are to be estimated, where the file says so.
    pub estimates: Vec<Estimate>,
    /// How gradients pass through the discrete draws of q: one for each of them.
    pub draws: Vec<Draw>,
    /// Parameters that decide how many members the families have: generated code has them at one value.
    pub fixed: Vec<ParamId>,
    /// The variable that is the length of each record, where the file has one: it is named as the parameter that is the largest.
    pub length: Option<VariableId>,
    /// The index of each family of variables, as the file names it.
    pub indices: BTreeMap<String, String>,
    /// How terms of the bound count in training, where the file says so.
    pub weights: Vec<Weight>,
    /// What training maximises besides the bound.
    pub addends: Vec<Addend>,
    pub places: Places,
}

/// The position of each variable's factor in [`Model::p`] and [`Model::q`].
#[derive(Debug, Clone)]
pub struct Places([Vec<Option<usize>>; 2]);

impl Places {
    pub fn of(variables: usize, p: &[Factor], q: &[Factor]) -> Self {
        Self([p, q].map(|factors| {
            let mut places = vec![None; variables];
            factors.iter().enumerate().rev().for_each(|(at, factor)| places[factor.variable.0] = Some(at));
            places
        }))
    }

    fn find<'f>(&self, side: Side, factors: &'f [Factor], id: VariableId) -> Option<&'f Factor> {
        let Self([p, q]) = self;
        let places = if side == Side::P { p } else { q };
        places.get(id.0).copied().flatten().and_then(|at| factors.get(at))
    }
}

impl Model {
    pub fn variable(&self, id: VariableId) -> &Variable {
        &self.variables[id.0]
    }

    /// The factor of p with this variable on the left of the bar; none for a given variable.
    pub fn p_of(&self, id: VariableId) -> Option<&Factor> {
        self.places.find(Side::P, &self.p, id)
    }

    /// The factor of q with this variable on the left of the bar; none for observed and given variables.
    pub fn q_of(&self, id: VariableId) -> Option<&Factor> {
        self.places.find(Side::Q, &self.q, id)
    }

    /// How the gradient passes through q's draws of this variable, where the file says it.
    pub fn draw_of(&self, id: VariableId) -> Option<&Draw> {
        self.draws.iter().find(|draw| draw.variable == id)
    }

    /// The value of the family that a `let` goes on from, where its recurrence runs down: `b[t + 1]` for `b[t]`.
    pub fn goes_on_from(&self, id: NetId) -> Option<NetId> {
        let (net, NetBody::Network(network)) = (&self.nets[id.0], &self.nets[id.0].body) else { return None };
        let (family, step) = member(&net.name)?;
        let later = |other: &NetId| member(&self.nets[other.0].name).is_some_and(|it| it.0 == family && it.1 > step);
        network.lets().find(later).filter(|_| net.step.is_some())
    }

    /// The factor of this variable on one side.
    pub fn factor(&self, side: Side, id: VariableId) -> Option<&Factor> {
        match side {
            Side::P => self.p_of(id),
            Side::Q => self.q_of(id),
        }
    }

    /// One of the two graphs: an edge from each parent to its child, node weights the variables in the file's order.
    pub fn dag(&self, side: Side) -> DiGraph<VariableId, ()> {
        let mut graph = DiGraph::new();
        let nodes: Vec<_> = (0..self.variables.len()).map(|i| graph.add_node(VariableId(i))).collect();
        for factor in match side {
            Side::P => &self.p,
            Side::Q => &self.q,
        } {
            for parent in &factor.parents {
                graph.add_edge(nodes[parent.0], nodes[factor.variable.0], ());
            }
        }
        graph
    }
}

/// `x` of `x[3]`, and of `x`.
pub fn family(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// `b` and 3 of `b[3]`; nothing for what is no member of a family over one index.
pub fn member(name: &str) -> Option<(&str, i64)> {
    let (family, value) = name.strip_suffix(']')?.split_once('[')?;
    Some((family, value.parse().ok()?))
}

/// The generative model p or the inference model q.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    P,
    Q,
}

impl Side {
    /// As the language writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::P => "p",
            Self::Q => "q",
        }
    }
}

/// `param growth = 64`.
#[derive(Debug, Clone)]
pub struct Param {
    pub name: String,
    pub docs: Vec<String>,
    /// The value in the file.
    pub default: Value,
    /// The value this model was checked at (the default, or what a preset or `--set` made of it).
    pub value: Value,
    pub span: Span,
}

/// `preset quick { growth = 8 }`.
#[derive(Debug, Clone)]
pub struct Preset {
    pub name: String,
    pub docs: Vec<String>,
    pub values: Vec<(ParamId, Value)>,
    pub span: Span,
}

/// A number in an argument or a shape, in symbolic form.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    Literal(Value),
    Param(ParamId),
    Binary(Operator, Box<Number>, Box<Number>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    /// As the language writes it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

/// What is known of a variable when the model is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `observed`: part of the data, with a factor in p.
    Observed,
    /// `partly observed`: part of the data of some records, with a factor in p, and one in q that others draw it from.
    Partly,
    /// `latent`: with a factor in p and a factor in q.
    Latent,
    /// `given`: part of the data, with no factor; everything may depend on it.
    Given,
}

impl Role {
    /// As the language writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Partly => "partly observed",
            Self::Latent => "latent",
            Self::Given => "given",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Variable {
    pub name: String,
    pub docs: Vec<String>,
    pub role: Role,
    pub space: Space,
    /// Without the batch, symbolic.
    pub dims: Vec<Number>,
    /// Without the batch, at the checked parameters.
    pub shape: Vec<usize>,
    /// The step of the length that it is of.
    pub step: Option<usize>,
    pub span: Span,
}

/// `p(z | y, u) = …` or `q(z | x) = …`.
#[derive(Debug, Clone)]
pub struct Factor {
    pub side: Side,
    pub variable: VariableId,
    /// In the order written right of the bar.
    pub parents: Vec<VariableId>,
    pub body: Body,
    /// Where its parameters lie: `p_z`, `p_z.3` of a member of a family.
    pub path: String,
    pub docs: Vec<String>,
    pub span: Span,
}

impl Factor {
    /// Whether a position of the variable is drawn after those before it.
    pub fn is_autoregressive(&self) -> bool {
        self.networks().any(Network::is_autoregressive)
    }

    /// The networks that it reads: those of its flows' contexts, and its own.
    pub fn networks(&self) -> impl Iterator<Item = &Network> {
        let (flows, network) = match &self.body {
            Body::Stochastic { flows, network, .. } => (flows.as_slice(), network.as_ref()),
            Body::Deterministic { .. } => (&[][..], None),
        };
        flows.iter().filter_map(|stage| stage.context.as_ref()).chain(network)
    }
}

#[derive(Debug, Clone)]
pub enum Body {
    /// A distribution, bijectors over it, and the network that yields its natural parameters (none at a root).
    Stochastic { base: Use<Distribution>, flows: Vec<Stage>, network: Option<Network> },
    /// A function with discrete range: a factor of all mass on one value.
    Deterministic { function: Use<Function>, input: VariableId },
}

/// A flow over a distribution.
#[derive(Debug, Clone)]
pub struct Stage {
    pub flow: Use<Block>,
    /// What the flow is given beside its value.
    pub context: Option<Network>,
    /// Of what it stands over, at the checked parameters: the variable, or what the flows outside it leave.
    pub shape: Vec<usize>,
    /// Of what it leaves to the base.
    pub inner: Vec<usize>,
    /// Where the parameters of the `flow` statement lie that it stands in, and its position there.
    pub named: Option<(String, usize)>,
    /// What the factor calls it: its own name, or that of a `flow` statement.
    pub word: String,
}

impl Stage {
    /// The shapes of its inputs: the value's, and the context's.
    pub fn inputs(&self) -> Vec<&[usize]> {
        let context = self.context.as_ref().map(|context| context.nodes[context.output.0].shape.as_slice());
        std::iter::once(self.shape.as_slice()).chain(context).collect()
    }

    /// What the flow itself costs, without what makes its context.
    pub fn cost(&self) -> Cost {
        (self.flow.entry.cost)(&self.flow.values(), &self.inputs())
    }

    /// Whether another stage is the same map of the same values: without parameters, or with those of one statement.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_plain = |stage: &Self| stage.context.is_none();
        let (own, others) = (self.flow.values(), other.flow.values());
        is_plain(self)
            && is_plain(other)
            && self.flow.entry.name == other.flow.entry.name
            && own == others
            && self.shape == other.shape
            && (self.cost().parameters == 0 || (self.named.is_some() && self.named == other.named))
            // What a split draws beside its value is no function of it.
            && self.flow.entry.name != "split"
    }
}

/// An entry of the catalogue with its arguments: every argument of the entry, in the entry's order, defaults filled in.
#[derive(Debug, Clone)]
pub struct Use<E: 'static> {
    pub entry: &'static E,
    pub args: Vec<Argument>,
    pub span: Span,
}

impl<E> Use<E> {
    /// The arguments' values, by name.
    pub fn values(&self) -> Arguments {
        Arguments(self.args.iter().map(|argument| (argument.name, argument.value.clone())).collect())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    pub name: &'static str,
    pub number: Number,
    /// At the checked parameters.
    pub value: Value,
}

/// A network: a list of nodes, inputs before the nodes that read them.
#[derive(Debug, Clone)]
pub struct Network {
    pub nodes: Vec<Node>,
    pub output: NodeId,
}

/// Position of a node in [`Network::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

#[derive(Debug, Clone)]
pub struct Node {
    pub op: Op,
    pub inputs: Vec<NodeId>,
    /// Of the output, without the batch, at the checked parameters.
    pub shape: Vec<usize>,
    /// Dotted name below the factor (or the named network) under which the node's parameters are stored, unique there:
    /// `densenet`, `y.encoder`, `encoder_2`. Empty where there are none.
    pub path: String,
    pub span: Span,
}

impl Network {
    /// The experts whose product the network yields, by their outputs, with the number of standard normals among them.
    pub fn experts(&self) -> Option<(&[NodeId], usize)> {
        let output = &self.nodes[self.output.0];
        match output.op {
            Op::Experts { standard } => Some((&output.inputs, standard)),
            Op::Variable(_) | Op::Formal(_) | Op::Block { .. } | Op::Net(_) | Op::Let(_) | Op::Past(_) => None,
        }
    }

    /// The variables that a node is computed from, those that values stand for among them.
    pub fn variables_above(&self, node: NodeId, nets: &[Net]) -> VariableSet {
        let (mut open, mut seen) = (vec![node], vec![false; self.nodes.len()]);
        let mut found = VariableSet::default();
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at.0], true) {
                continue;
            }
            self.nodes[at.0].adds_to(&mut found, nets);
            open.extend(&self.nodes[at.0].inputs);
        }
        found
    }

    /// The variables that the network reads, those that values stand for among them.
    pub fn reads(&self, nets: &[Net]) -> VariableSet {
        let mut found = VariableSet::default();
        self.nodes.iter().for_each(|node| node.adds_to(&mut found, nets));
        found
    }

    /// Whether the network reads the past of the factor's own variable.
    pub fn is_autoregressive(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.op, Op::Past(_)))
    }

    /// The values of the file that the network reads itself.
    pub fn lets(&self) -> impl Iterator<Item = NetId> {
        self.nodes.iter().filter_map(|node| if let Op::Let(id) = node.op { Some(id) } else { None })
    }
}

impl Node {
    /// The variable this node reads, where it reads one.
    pub fn variable(&self) -> Option<VariableId> {
        match self.op {
            Op::Variable(id) => Some(id),
            Op::Formal(_) | Op::Past(_) | Op::Block { .. } | Op::Net(_) | Op::Let(_) | Op::Experts { .. } => None,
        }
    }

    /// The variable whose past this node reads.
    pub fn past(&self) -> Option<VariableId> {
        if let Op::Past(id) = self.op { Some(id) } else { None }
    }

    /// Adds what this node reads itself.
    fn adds_to(&self, found: &mut VariableSet, nets: &[Net]) {
        match &self.op {
            Op::Variable(id) => {
                found.insert(*id);
            }
            Op::Let(id) => found.include(&nets[id.0].reads),
            Op::Formal(_) | Op::Past(_) | Op::Block { .. } | Op::Net(_) | Op::Experts { .. } => {}
        }
    }
}

#[derive(Debug, Clone)]
pub enum Op {
    /// A parent of the factor.
    Variable(VariableId),
    /// An argument of the named network this node is in, by position.
    Formal(usize),
    /// A block of the catalogue, `concat` and the plain functions among them.
    ///
    /// An argument `out` that the file leaves to inference has `inferred` set: its value is what the factor's
    /// distribution needs.
    Block { block: Use<Block>, inferred: bool },
    /// A named network applied.
    Net(NetId),
    /// What comes before each position, in raster order, of the factor's own variable: `past(x)`. No inputs.
    Past(VariableId),
    /// A value of the file, a `let`: computed once, whoever reads it. No inputs.
    Let(NetId),
    /// A product of diagonal normals, each by its head, and of so many standard normals: the output of a factor's network,
    /// which then yields the distribution itself. An expert that reads what a record lacks drops out.
    Experts { standard: usize },
}

/// `net enc(x) = …`, or `net enc(x: real[3, 32, 32]) -> real[8, 32, 32] = rust "crate::nets::Enc"`.
#[derive(Debug, Clone)]
pub struct Net {
    pub name: String,
    pub docs: Vec<String>,
    pub formals: Vec<String>,
    /// Shapes of the arguments, the same at every use (else the check fails), at the checked parameters.
    pub inputs: Vec<Vec<usize>>,
    pub output: Vec<usize>,
    pub body: NetBody,
    /// A `let`: a value, which has no arguments and reads variables and other values itself.
    pub is_let: bool,
    /// The variables that a `let` stands for, read by itself or by the values it reads.
    pub reads: VariableSet,
    /// Where the values of a `let` are sure to lie.
    pub domains: Vec<Domain>,
    /// Its own parameters, and the multiply-accumulates of one use. What a network in Rust costs is not known, and counts nothing.
    pub cost: Cost,
    /// Where its parameters lie: its name, `block.3` of a member of a family.
    pub path: String,
    /// The step of the length that it is of.
    pub step: Option<usize>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum NetBody {
    Network(Network),
    /// Path of a Rust type that implements the runtime's `Network` trait.
    Rust {
        path: String,
        input_dims: Vec<Vec<Number>>,
        output_dims: Vec<Number>,
    },
}

/// `bound KL_z = monte_carlo`.
#[derive(Debug, Clone)]
pub struct Estimate {
    pub variable: VariableId,
    pub estimator: Estimator,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    ClosedForm,
    MonteCarlo,
}

/// A number of the file with its value at the checked parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    pub number: Number,
    pub value: f64,
}

/// `weight KL_z = 0.5 * ramp(steps: 400) * free(nats: 0.25)`.
#[derive(Debug, Clone)]
pub struct Weight {
    /// `KL_z`
    pub term: String,
    pub scale: Quantity,
    pub ramp: Option<Ramp>,
    /// Nats below which the term's mean counts as they.
    pub free: Option<Quantity>,
    pub span: Span,
}

/// A weight that rises from 0 in a straight line.
#[derive(Debug, Clone, PartialEq)]
pub struct Ramp {
    pub unit: RampUnit,
    /// Where it ends.
    pub length: Quantity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RampUnit {
    /// Over the training data.
    Passes,
    /// Updates.
    Steps,
}

impl RampUnit {
    /// As the language writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Steps => "steps",
        }
    }
}

/// `objective + alpha * ln q(y | x) where y is observed`.
#[derive(Debug, Clone)]
pub struct Addend {
    pub side: Side,
    pub variable: VariableId,
    /// With its sign.
    pub scale: Quantity,
    /// The variable that must be there in a record for it to count.
    pub condition: Option<VariableId>,
    pub span: Span,
}

/// `draw y = relaxed(temperature: 0.5)`.
#[derive(Debug, Clone)]
pub struct Draw {
    pub variable: VariableId,
    pub method: DrawMethod,
    pub span: Span,
}

/// How a discrete draw of q is made in the bound, and how its gradient is estimated.
#[derive(Debug, Clone, PartialEq)]
pub enum DrawMethod {
    /// Not drawn: a sum over all values, each with its probability.
    Enumerate {
        /// How many values there are.
        values: usize,
    },
    /// Drawn from a continuous relaxation of the distribution, in training.
    Relaxed { temperature: Argument },
    /// A draw whose gradient is that of the mean (of pixels: of the unrounded value).
    StraightThrough,
    /// A draw whose gradient is that of its log-probability times how good it was.
    Score,
}

impl DrawMethod {
    /// As the language writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Enumerate { .. } => "enumerate",
            Self::Relaxed { .. } => "relaxed",
            Self::StraightThrough => "straight_through",
            Self::Score => "score",
        }
    }
}
