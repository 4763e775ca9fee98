//! The cost of a model, known before it runs: parameters, and multiply-accumulates of the forward pass per image.

use crate::catalog::Cost;
use crate::graph::{Body, Factor, Model, Net, NetId, Network, Node, Op, Stage};
use std::collections::BTreeSet;

impl Network {
    /// The shapes of a node's inputs.
    pub fn input_shapes(&self, node: &Node) -> Vec<&[usize]> {
        node.inputs.iter().map(|input| self.nodes[input.0].shape.as_slice()).collect()
    }

    /// The cost of the network's own blocks, without the named networks it uses.
    fn own_cost(&self) -> Cost {
        let blocks = self.nodes.iter().filter_map(|node| match &node.op {
            Op::Block { block, .. } => Some((block.entry.cost)(&block.values(), &self.input_shapes(node))),
            Op::Variable(_)
            | Op::Known(_)
            | Op::Formal(_)
            | Op::Past(_)
            | Op::Net(_)
            | Op::Let(_)
            | Op::Experts { .. } => None,
        });
        blocks.sum()
    }

    /// The cost of the network, with the multiply-accumulates of the named networks it uses.
    pub(crate) fn cost_with(&self, nets: &[Net]) -> Cost {
        self.own_cost() + self.nets().map(|used| Cost { parameters: 0, ..nets[used.0].cost.clone() }).sum()
    }

    fn nets(&self) -> impl Iterator<Item = NetId> {
        self.nodes.iter().filter_map(|node| match node.op {
            Op::Net(id) => Some(id),
            Op::Variable(_)
            | Op::Known(_)
            | Op::Formal(_)
            | Op::Past(_)
            | Op::Block { .. }
            | Op::Let(_)
            | Op::Experts { .. } => None,
        })
    }
}

impl Model {
    /// The cost of one node. The multiply-accumulates of a named network count at each use; its parameters count where
    /// it is defined.
    pub fn node_cost(&self, network: &Network, node: &Node) -> Cost {
        match &node.op {
            Op::Block { block, .. } => (block.entry.cost)(&block.values(), &network.input_shapes(node)),
            Op::Net(id) => Cost { parameters: 0, ..self.net_cost(*id) },
            // A value is computed once, however many factors read it, so it counts where it is defined.
            Op::Variable(_) | Op::Known(_) | Op::Formal(_) | Op::Past(_) | Op::Let(_) | Op::Experts { .. } => {
                Cost::default()
            }
        }
    }

    /// The cost of a named network: its own parameters, and the multiply-accumulates of one use.
    pub fn net_cost(&self, id: NetId) -> Cost {
        self.nets[id.0].cost.clone()
    }

    /// The cost of a network, without the parameters of the named networks it uses.
    pub fn network_cost(&self, network: &Network) -> Cost {
        network.nodes.iter().map(|node| self.node_cost(network, node)).sum()
    }

    /// The cost of a flow, with the network of its context.
    pub fn stage_cost(&self, stage: &Stage) -> Cost {
        let context = stage.context.as_ref().map(|context| self.network_cost(context)).unwrap_or_default();
        stage.cost() + context
    }

    /// The cost of a factor: distribution, flows and network, without the parameters of named networks.
    pub fn factor_cost(&self, factor: &Factor) -> Cost {
        if let Body::Mixture { values, .. } = &factor.body {
            return values.iter().flat_map(|(_, networks)| networks).map(|network| self.network_cost(network)).sum();
        }
        let Body::Stochastic { base, flows, network } = &factor.body else { return Cost::default() };
        let shape = flows.first().map_or(&self.variable(factor.variable).shape, |stage| &stage.inner);
        let held = Cost::held((base.entry.count)(&base.values(), shape));
        let flows: Cost = flows.iter().map(|stage| self.stage_cost(stage)).sum();
        held + flows + network.as_ref().map(|network| self.network_cost(network)).unwrap_or_default()
    }

    /// The cost of the whole model: every factor and every value once, and every named network's parameters once.
    pub fn cost(&self) -> Cost {
        // Factors with the same path share parameters, as do flows with the same name.
        let (mut paths, mut flows): (BTreeSet<&str>, BTreeSet<&(String, usize)>) = Default::default();
        let factors = self.p.iter().chain(&self.q).map(|factor| {
            let mut cost = self.factor_cost(factor);
            let stages = if let Body::Stochastic { flows, .. } = &factor.body { flows.as_slice() } else { &[] };
            for stage in stages {
                if stage.named.as_ref().is_some_and(|name| !flows.insert(name)) {
                    cost.parameters = cost.parameters.saturating_sub(stage.cost().parameters);
                }
            }
            if !paths.insert(&factor.path) {
                cost.parameters = 0;
            }
            cost
        });
        let factors: Cost = factors.sum();
        let mut values: BTreeSet<&str> = BTreeSet::new();
        let shared = self.nets.iter().enumerate().map(|(index, net)| {
            let mut cost = self.net_cost(NetId(index));
            if !values.insert(&net.path) {
                cost.parameters = 0;
            }
            if net.is_let { cost } else { Cost::held(cost.parameters) }
        });
        factors + shared.sum()
    }
}
