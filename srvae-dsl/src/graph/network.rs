//! Networks, including named networks and values (`let`).

use super::{Dependences, Known, NetId, Number, Use, VariableId};
use crate::catalog::{Block, Cost};
use crate::source::Span;
use std::collections::BTreeSet;

/// A network: a list of nodes, inputs before the nodes that read them.
#[derive(Debug, Clone)]
pub struct Network {
    pub nodes: Vec<Node>,
    pub output: NodeId,
    /// For a head, the natural parameters that the file states by name: one bit each, the lowest for the first.
    pub given: u32,
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
    /// The dotted path of the node's parameters below the factor or the named network, unique there: `densenet`,
    /// `y.encoder`, `encoder_2`. Empty if there are none.
    pub path: String,
    pub span: Span,
}

impl Network {
    /// If the network yields a product or a mixture of experts: their outputs with the natural parameters that the file
    /// states for each, and the number of roots.
    pub fn experts(&self) -> Option<(Vec<(NodeId, u32)>, usize)> {
        let output = &self.nodes[self.output.0];
        match &output.op {
            Op::Experts { given, roots, .. } => {
                Some((output.inputs.iter().copied().zip(given.iter().copied()).collect(), *roots))
            }
            Op::Variable(_)
            | Op::Known(_)
            | Op::Formal(_)
            | Op::Block { .. }
            | Op::Net(_)
            | Op::Let(_)
            | Op::Past(_) => None,
        }
    }

    /// The number of components, if the network yields a mixture of experts.
    pub fn components(&self) -> Option<usize> {
        let output = &self.nodes[self.output.0];
        matches!(output.op, Op::Experts { joint: Joint::Mean, .. }).then_some(output.inputs.len())
    }

    /// What a node depends on, including what is read by values.
    pub fn reads_above(&self, node: NodeId, nets: &[Net]) -> Dependences {
        let (mut open, mut seen) = (vec![node], vec![false; self.nodes.len()]);
        let mut found = Dependences::default();
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at.0], true) {
                continue;
            }
            self.nodes[at.0].adds_to(&mut found, nets);
            open.extend(&self.nodes[at.0].inputs);
        }
        found
    }

    /// What the network reads, including what is read by values.
    pub fn reads(&self, nets: &[Net]) -> Dependences {
        let mut found = Dependences::default();
        self.nodes.iter().for_each(|node| node.adds_to(&mut found, nets));
        found
    }

    /// Whether the network reads the past of the factor's own variable.
    pub fn is_autoregressive(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.op, Op::Past(_)))
    }

    /// The named networks and values that the network reads directly.
    pub fn uses(&self) -> impl Iterator<Item = NetId> {
        self.nodes.iter().filter_map(|node| if let Op::Let(id) | Op::Net(id) = node.op { Some(id) } else { None })
    }

    /// The values (`let`) that the network reads directly.
    pub fn lets(&self) -> impl Iterator<Item = NetId> {
        self.nodes.iter().filter_map(|node| if let Op::Let(id) = node.op { Some(id) } else { None })
    }
}

impl Node {
    /// The variable that this node reads, also through `known`, if any.
    pub fn variable(&self) -> Option<VariableId> {
        match self.op {
            Op::Variable(id) | Op::Known(id) => Some(id),
            Op::Formal(_) | Op::Past(_) | Op::Block { .. } | Op::Net(_) | Op::Let(_) | Op::Experts { .. } => None,
        }
    }

    /// The variable whose past this node reads, if any.
    pub fn past(&self) -> Option<VariableId> {
        if let Op::Past(id) = self.op { Some(id) } else { None }
    }

    /// Adds what this node reads directly.
    fn adds_to(&self, found: &mut Dependences, nets: &[Net]) {
        match &self.op {
            Op::Variable(id) => {
                found.values.insert(*id);
            }
            Op::Known(id) => {
                found.known.insert(*id);
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
    /// An argument of the enclosing named network, by position.
    Formal(usize),
    /// A block of the catalogue, including `concat` and plain functions.
    ///
    /// If the file leaves an argument `out` to inference, `inferred` is set. Its value is then what the factor's
    /// distribution needs.
    Block { block: Use<Block>, inferred: bool },
    /// A use of a named network.
    Net(NetId),
    /// `past(x)`: the values of the factor's own variable before each position, in raster order. No inputs.
    Past(VariableId),
    /// `known(x)`: the observed value of a partly observed variable with one more channel, 1 in records that have the
    /// variable; all zeros in the others. No inputs.
    Known(VariableId),
    /// A value (`let`), computed once however many factors read it. No inputs.
    Let(NetId),
    /// A product or a mixture of distributions, each given by its head. A product is of one distribution that the catalogue
    /// knows to multiply, and of a number of the roots that may be factors too. It is the output of a factor's network, which then yields the distribution itself. An expert
    /// that reads a missing variable drops out of the record.
    Experts {
        joint: Joint,
        /// For each expert, its [`Network::given`].
        given: Vec<u32>,
        roots: usize,
    },
}

/// What a factor makes of several distributions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    /// Their product, normalised.
    Product,
    /// Their mean.
    Mean,
}

/// `net enc(x) = …`, or `net enc(x: real[3, 32, 32]) -> real[8, 32, 32] = rust "crate::nets::Enc"`.
#[derive(Debug, Clone)]
pub struct Net {
    pub name: String,
    pub docs: Vec<String>,
    pub formals: Vec<String>,
    /// Shapes of the arguments at the checked parameters. They are the same at every use; otherwise the check fails.
    pub inputs: Vec<Vec<usize>>,
    pub output: Vec<usize>,
    pub body: NetBody,
    /// Whether it is a `let`: a value without arguments, which reads variables and other values directly.
    pub is_let: bool,
    /// The variables that a `let` depends on, directly or through other values.
    pub reads: Dependences,
    /// What is known about the values, for a `let`.
    pub known: Option<Known>,
    /// Its own parameters, and the multiply-accumulates of one use. The cost of a network in Rust is unknown and counts
    /// as 0.
    pub cost: Cost,
    /// The path of its parameters: its name, or `block.3` for a member of a family.
    pub path: String,
    /// The step of the sequence that the value belongs to.
    pub step: Option<usize>,
    pub span: Span,
}

/// Named networks and values, and those that they read, directly or through others; beyond an end none.
pub fn reached(nets: &[Net], from: impl IntoIterator<Item = NetId>, is_end: impl Fn(NetId) -> bool) -> BTreeSet<NetId> {
    let (mut open, mut all): (Vec<NetId>, _) = (from.into_iter().collect(), BTreeSet::new());
    while let Some(id) = open.pop() {
        if let (true, NetBody::Network(network)) = (all.insert(id) && !is_end(id), &nets[id.0].body) {
            open.extend(network.uses());
        }
    }
    all
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
