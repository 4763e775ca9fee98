//! Factors: a distribution with its flows and its network, or a function.

use super::{Network, Op, Parents, Side, Use, Value, VariableId};
use crate::catalog::{Block, Cost, Distribution, Domain, Function};
use crate::source::Span;

/// `p(z | y, u) = …` or `q(z | x) = …`.
#[derive(Debug, Clone)]
pub struct Factor {
    pub side: Side,
    pub variable: VariableId,
    /// In the order written right of the bar.
    pub parents: Parents,
    /// The parents whose values it reads. The others it reads only through `known`, which is a function of the data.
    pub read: Parents,
    pub body: Body,
    /// The path of its parameters: `p_z`, or `p_z.3` for a member of a family.
    pub path: String,
    pub docs: Vec<String>,
    pub span: Span,
}

impl Factor {
    /// Whether each position of the variable is drawn given the positions before it.
    pub fn is_autoregressive(&self) -> bool {
        self.networks().any(Network::is_autoregressive)
    }

    /// The number of components, if it is a mixture of experts.
    pub fn components(&self) -> Option<usize> {
        let Body::Stochastic { network: Some(network), .. } = &self.body else { return None };
        network.components()
    }

    /// What its values are at most, if it is a distribution of a number of trials: its first natural parameter.
    pub fn trials(&self) -> Option<Trials> {
        let Body::Stochastic { base, network: Some(network), .. } = &self.body else { return None };
        if base.entry.natural.first()?.domain != Domain::Whole {
            return None;
        }
        let first = network.nodes[network.output.0].inputs.first()?;
        Some(match &network.nodes[first.0].op {
            Op::Variable(id) => Trials::Of(*id),
            Op::Block { block, .. } if matches!(block.entry.name, "filled" | "constant") => {
                match block.value("value") {
                    Some(Value::Real(value)) => Trials::Number(*value as u64),
                    Some(Value::Int(value)) => Trials::Number(value.unsigned_abs()),
                    _ => Trials::Computed,
                }
            }
            _ => Trials::Computed,
        })
    }

    /// The networks of the factor: those of its flows' contexts, and its own.
    pub fn networks(&self) -> impl Iterator<Item = &Network> {
        let (flows, network, values) = match &self.body {
            Body::Stochastic { flows, network, .. } => (flows.as_slice(), network.as_ref(), &[][..]),
            Body::Mixture { values, .. } => (&[][..], None, values.as_slice()),
            Body::Deterministic { .. } => (&[][..], None, &[][..]),
        };
        let values = values.iter().flat_map(|(_, networks)| networks);
        flows.iter().filter_map(|stage| stage.context.as_ref()).chain(network).chain(values)
    }
}

#[derive(Debug, Clone)]
pub enum Body {
    /// A distribution, bijectors over it, and the network that yields its natural parameters (none at a root).
    Stochastic { base: Use<Distribution>, flows: Vec<Stage>, network: Option<Network> },
    /// A function with discrete range: a point mass.
    Deterministic { function: Use<Function>, input: VariableId },
    /// At a root: the average of the variable's factor of q over several values of its inputs. Each variable has one
    /// value per component; each value is a network without inputs.
    Mixture { values: Vec<(VariableId, Vec<Network>)>, components: usize, span: Span },
}

/// The trials of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trials {
    /// The same for every record.
    Number(u64),
    /// A variable of the same shape.
    Of(VariableId),
    /// A function of variables.
    Computed,
}

/// A flow over a distribution.
#[derive(Debug, Clone)]
pub struct Stage {
    pub flow: Use<Block>,
    /// The network of the additional input.
    pub context: Option<Network>,
    /// The shape of the value on the side of the variable, at the checked parameters.
    pub shape: Vec<usize>,
    /// The shape of the value on the side of the base.
    pub inner: Vec<usize>,
    /// The path of the parameters of the `flow` statement that it belongs to, and its position there.
    pub named: Option<(String, usize)>,
    /// The name in the factor: its own, or that of the `flow` statement.
    pub word: String,
}

impl Stage {
    /// The shapes of its inputs: the value and the context.
    pub fn inputs(&self) -> Vec<&[usize]> {
        let context = self.context.as_ref().map(|context| context.nodes[context.output.0].shape.as_slice());
        std::iter::once(self.shape.as_slice()).chain(context).collect()
    }

    /// The cost of the flow itself, without the network of its context.
    pub fn cost(&self) -> Cost {
        (self.flow.entry.cost)(&self.flow.values(), &self.inputs())
    }

    /// Whether another stage is the same map: both have no parameters, or those of the same statement.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_plain = |stage: &Self| stage.context.is_none();
        let (own, others) = (self.flow.values(), other.flow.values());
        is_plain(self)
            && is_plain(other)
            && self.flow.entry.name == other.flow.entry.name
            && own == others
            && self.shape == other.shape
            && (self.cost().parameters == 0 || (self.named.is_some() && self.named == other.named))
            // The half that a split draws is not a function of its input.
            && self.flow.entry.name != "split"
    }
}
