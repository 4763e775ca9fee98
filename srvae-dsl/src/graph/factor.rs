//! Factors: a distribution with its flows and its network, or a function.

use super::{Network, Number, Parents, Side, Value, VariableId};
use crate::catalog::{Arguments, Block, Cost, Distribution, Function};
use crate::source::Span;

/// `p(z | y, u) = …` or `q(z | x) = …`.
#[derive(Debug, Clone)]
pub struct Factor {
    pub side: Side,
    pub variable: VariableId,
    /// In the order written right of the bar.
    pub parents: Parents,
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

    /// How many distributions it is the mean of, where it is one.
    pub fn components(&self) -> Option<usize> {
        let Body::Stochastic { network: Some(network), .. } = &self.body else { return None };
        network.components()
    }

    /// The networks that it reads: those of its flows' contexts, and its own.
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
    /// A function with discrete range: a factor of all mass on one value.
    Deterministic { function: Use<Function>, input: VariableId },
    /// At a root, the mean of the variable's factor of q at values of what that reads: of each variable as many as there are
    /// components, each a network that reads nothing.
    Mixture { values: Vec<(VariableId, Vec<Network>)>, components: usize, span: Span },
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
