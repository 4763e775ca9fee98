//! Networks, those with names and the values of the file among them.

use super::{NetId, Number, Use, VariableId, VariableSet};
use crate::catalog::{Block, Cost, Domain};
use crate::source::Span;

/// A network: a list of nodes, inputs before the nodes that read them.
#[derive(Debug, Clone)]
pub struct Network {
    pub nodes: Vec<Node>,
    pub output: NodeId,
    /// Of a head, the natural parameters that the file states by name: a bit for each, the lowest for the first.
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
    /// Dotted name below the factor (or the named network) under which the node's parameters are stored, unique there:
    /// `densenet`, `y.encoder`, `encoder_2`. Empty where there are none.
    pub path: String,
    pub span: Span,
}

impl Network {
    /// The distributions whose product or mean the network yields, by their outputs, with the parameters that the file states
    /// of each, and the number of standard normals among them.
    pub fn experts(&self) -> Option<(Vec<(NodeId, u32)>, usize)> {
        let output = &self.nodes[self.output.0];
        match &output.op {
            Op::Experts { given, standard, .. } => {
                Some((output.inputs.iter().copied().zip(given.iter().copied()).collect(), *standard))
            }
            Op::Variable(_) | Op::Formal(_) | Op::Block { .. } | Op::Net(_) | Op::Let(_) | Op::Past(_) => None,
        }
    }

    /// How many distributions the network yields the mean of, where it does.
    pub fn components(&self) -> Option<usize> {
        let output = &self.nodes[self.output.0];
        matches!(output.op, Op::Experts { joint: Joint::Mean, .. }).then_some(output.inputs.len())
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
    /// Of several distributions, each by its head, the product or the mean; a product is of diagonal normals, and of so many
    /// standard normals beside them. It is the output of a factor's network, which then yields the distribution itself. What
    /// reads something that a record lacks drops out.
    Experts {
        joint: Joint,
        /// Of each, what [`Network::given`] is of a head.
        given: Vec<u32>,
        standard: usize,
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
