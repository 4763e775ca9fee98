//! Autoregression: values computed from `past(x)` may pass only through causal blocks, whose output at a position
//! depends on this and earlier positions.

use super::Checker;
use crate::catalog;
use crate::diagnostics::messages;
use crate::graph::{Joint, NetBody, NetId, Network, Op};
use crate::source::Span;

impl Checker<'_> {
    /// Whether all blocks after the past of the factor's own variable are causal.
    pub(super) fn causal(&mut self, network: &Network) -> Option<()> {
        let mut after = vec![false; network.nodes.len()];
        for (at, node) in network.nodes.iter().enumerate() {
            after[at] = matches!(node.op, Op::Past(_)) || node.inputs.iter().any(|input| after[input.0]);
            if !after[at] {
                continue;
            }
            let refused = match &node.op {
                Op::Block { block, .. } => (!(block.entry.causal)(&block.values())).then_some(block.entry.name),
                Op::Net(id) => self.looks_ahead(*id),
                Op::Experts { joint: Joint::Product, .. } => Some("a product of experts"),
                Op::Experts { joint: Joint::Mean, .. } => Some("a mixture"),
                Op::Past(_) | Op::Let(_) | Op::Variable(_) | Op::Known(_) | Op::Formal(_) => None,
            };
            if let Some(name) = refused {
                self.findings.push(messages::not_causal(name, node.span, &causal_blocks()));
                return None;
            }
        }
        Some(())
    }

    /// A block that is not causal in a named network, or in those it uses. It does not matter through which argument
    /// the past enters.
    fn looks_ahead(&self, id: NetId) -> Option<&'static str> {
        let (mut open, mut seen) = (vec![id], vec![id]);
        while let Some(id) = open.pop() {
            let NetBody::Network(network) = &self.nets.done[id.0].body else { return Some("a network in Rust") };
            for node in &network.nodes {
                match &node.op {
                    Op::Block { block, .. } if !(block.entry.causal)(&block.values()) => return Some(block.entry.name),
                    Op::Net(used) if !seen.contains(used) => {
                        seen.push(*used);
                        open.push(*used);
                    }
                    _ => {}
                }
            }
        }
        None
    }

    /// Refuses a flow over an autoregressive distribution, because it would mix positions.
    pub(super) fn no_flow_over_past(&mut self, network: Option<&Network>, flow: Option<Span>) -> Option<()> {
        match flow.filter(|_| network.is_some_and(Network::is_autoregressive)) {
            Some(span) => {
                self.findings.push(messages::flow_over_past(span));
                None
            }
            None => Some(()),
        }
    }
}

/// Names of layers that are causal at their defaults.
fn causal_blocks() -> Vec<&'static str> {
    let layers = catalog::BLOCKS.iter().filter(|block| block.role == catalog::Role::Layer);
    layers.filter(|block| (block.causal)(&catalog::Arguments::default())).map(|block| block.name).collect()
}
