//! How large a model may be.

use crate::diagnostics::{Findings, MOST_BLOCKS, messages};
use crate::graph::{Body, Model, NetBody, Network, Op};

/// Refuses a model of more blocks than are compiled, before anything is made of each.
pub(super) fn bound(model: &Model, findings: &mut Findings) {
    let mut nets: Vec<usize> = Vec::new();
    // Each named network stands after those it uses.
    for net in &model.nets {
        nets.push(match &net.body {
            NetBody::Network(network) => blocks(model, network, &nets),
            NetBody::Rust { .. } => 1,
        });
    }
    let factors = model.p.iter().chain(&model.q).map(|factor| match &factor.body {
        Body::Stochastic { flows, network, .. } => {
            let contexts = flows.iter().filter_map(|stage| stage.context.as_ref());
            let each = contexts.chain(network).map(|network| blocks(model, network, &nets));
            (each.fold(flows.len(), usize::saturating_add), factor.span)
        }
        Body::Mixture { values, .. } => {
            let networks = values.iter().flat_map(|(_, networks)| networks);
            (networks.map(|network| blocks(model, network, &nets)).fold(0, usize::saturating_add), factor.span)
        }
        Body::Deterministic { .. } => (0, factor.span),
    });
    let values = model.nets.iter().zip(&nets).filter(|(net, _)| net.is_let).map(|(net, blocks)| (*blocks, net.span));
    let all: Vec<_> = factors.chain(values).collect();
    let count = all.iter().map(|(blocks, _)| *blocks).fold(0usize, usize::saturating_add);
    if let Some((most, span)) = all.into_iter().max_by_key(|(blocks, _)| *blocks).filter(|_| count > MOST_BLOCKS) {
        findings.push(messages::too_many_blocks(count, span, most));
    }
}

/// Blocks of a network with those of the named networks it uses, as often as it uses them; values stand for themselves.
fn blocks(model: &Model, network: &Network, nets: &[usize]) -> usize {
    let each = network.nodes.iter().map(|node| match &node.op {
        Op::Block { .. } => 1,
        // A value is computed once, whoever reads it.
        Op::Net(id) if model.nets[id.0].is_let => 0,
        Op::Net(id) => nets.get(id.0).copied().unwrap_or(0),
        Op::Variable(_) | Op::Formal(_) | Op::Experts { .. } => 0,
    });
    each.fold(0, usize::saturating_add)
}
