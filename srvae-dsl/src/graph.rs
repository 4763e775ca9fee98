//! The checked model: names are resolved, shapes are known, and both graphs are acyclic and sorted.
//!
//! All later stages (derivation, plan, emitters, explanations) read only this. Numbers keep their symbolic form
//! ([`Number`]) beside their value at the chosen parameters, so that generated code can be built with other parameter
//! values.

mod bounds;
mod declared;
mod dependences;
mod entry;
mod enumerated;
mod factor;
mod known;
mod network;
mod objective;
mod parents;
mod polynomial;
mod ranges;
mod set;
mod spelled;
mod sum;

pub use crate::catalog::{Space, Value};
pub use bounds::Interval;
pub use declared::{Checkpoint, Number, Operator, Param, Preset, Role, Variable};
pub use dependences::Dependences;
pub use entry::{Argument, Use};
pub use enumerated::{Enumerated, Link};
pub use factor::{Body, Factor, Stage, Trials};
pub use known::Known;
pub use network::{Joint, Net, NetBody, Network, Node, NodeId, Op, reached};
pub use objective::{Addend, Draw, DrawMethod, Estimate, Estimator, Quantity, Ramp, RampUnit, Weight};
pub use parents::Parents;
use petgraph::graph::DiGraph;
pub use polynomial::{Part, Polynomial, Unknown};
pub use ranges::{Piece, in_pieces, in_ranges};
pub use set::VariableSet;
pub use spelled::Spelling;
use std::collections::{BTreeMap, BTreeSet};
pub use sum::{Sum, Turn};

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
    /// The factors of q, parents before children. One for every latent variable that is not summed out.
    pub q: Vec<Factor>,
    /// Estimators of terms of the bound that the file states.
    pub estimates: Vec<Estimate>,
    /// Gradient estimators for the discrete draws of q, one for each draw, and the sums over latents that q does not draw.
    pub draws: Vec<Draw>,
    /// The order in which the latents that q does not draw are summed out.
    pub sum: Sum,
    /// The variables over whose values q sums in place of a draw.
    pub enumerated: Enumerated,
    /// Parameters that determine the number of members of families; generated code is valid for one value of each.
    pub fixed: Vec<ParamId>,
    /// The variable with the length of each record, if the file has one. It has the name of the parameter for the
    /// maximum length.
    pub length: Option<VariableId>,
    /// The indices of each family of variables, values or named networks, by its name in the file.
    pub indices: BTreeMap<String, Vec<String>>,
    /// The `checkpoint` statement, if the file has one: training computes the bound in segments. Values that later segments
    /// read are kept, and the others are recomputed in the backward pass.
    pub checkpoint: Option<Checkpoint>,
    /// Weights of terms of the bound in training that the file states.
    pub weights: Vec<Weight>,
    /// Terms that the file adds to the training objective.
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

    fn of_q(&self, id: VariableId) -> Option<usize> {
        let Self([_, q]) = self;
        q.get(id.0).copied().flatten()
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

    /// Whether q has a factor for a variable, and no factor for another one before it.
    pub fn is_drawn_before(&self, earlier: VariableId, later: VariableId) -> bool {
        self.places.of_q(earlier).is_some_and(|at| self.places.of_q(later).is_none_or(|other| at < other))
    }

    /// The gradient estimator of q's draws of this variable, if the file states one.
    pub fn draw_of(&self, id: VariableId) -> Option<&Draw> {
        self.draws.iter().find(|draw| draw.variable == id)
    }

    /// Values (`let`) that learned baselines read and no factor does: their parameters are those of baselines.
    pub fn of_baselines(&self) -> BTreeSet<NetId> {
        let baselines = self.draws.iter().filter_map(|draw| draw.baseline);
        let all = reached(&self.nets, baselines, |_| false);
        let of_factors = self.p.iter().chain(&self.q).flat_map(Factor::networks).flat_map(Network::uses);
        &all - &reached(&self.nets, of_factors, |_| false)
    }

    /// The name of the length and its largest value.
    pub fn longest(&self) -> Option<(&str, i64)> {
        let name = self.variable(self.length?).name.as_str();
        match self.params.iter().find(|param| param.name == name)?.value {
            Value::Int(value) => Some((name, value)),
            _ => None,
        }
    }

    /// The previous value of a `let` with a backward recurrence: `b[t + 1]` for `b[t]`.
    pub fn goes_on_from(&self, id: NetId) -> Option<NetId> {
        self.relative(id, |other, own| other > own)
    }

    /// The previous value of a `let` with a forward recurrence: `h[t - 1]` for `h[t]`.
    pub fn comes_from(&self, id: NetId) -> Option<NetId> {
        self.relative(id, |other, own| other < own)
    }

    /// The other value of its family that a `let` of one step reads, by their indices.
    fn relative(&self, id: NetId, is_meant: impl Fn(i64, i64) -> bool) -> Option<NetId> {
        let (net, NetBody::Network(network)) = (&self.nets[id.0], &self.nets[id.0].body) else { return None };
        let (family, step) = member(&net.name)?;
        let is_meant = |other: &NetId| {
            member(&self.nets[other.0].name).is_some_and(|(of, index)| of == family && is_meant(index, step))
        };
        network.lets().find(is_meant).filter(|_| net.step.is_some())
    }

    /// The factor of this variable in p or in q.
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
            for parent in factor.parents.iter() {
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

/// `b` and 3 of `b[3]`; none for a name that is not a member of a family over one index.
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
    /// The name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::P => "p",
            Self::Q => "q",
        }
    }
}
