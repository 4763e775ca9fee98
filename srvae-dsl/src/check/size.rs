//! Limits on the size of a model.

use crate::diagnostics::{Findings, MOST_BLOCKS, MOST_STEP_BLOCKS, messages};
use crate::graph::{Body, Model, NetBody, Network, Op};

/// Refuses a model with too many blocks to compile, before anything is built for each. The steps of a sequence share
/// their blocks, and long sequences are interpreted, so they may have more.
pub(super) fn bound(model: &Model, findings: &mut Findings) {
    let mut nets: Vec<usize> = Vec::new();
    // Networks are listed after those they use.
    for net in &model.nets {
        nets.push(match &net.body {
            NetBody::Network(network) => blocks(network, &nets),
            NetBody::Rust { .. } => 1,
        });
    }
    let factors = model.p.iter().chain(&model.q).map(|factor| {
        let blocks = match &factor.body {
            Body::Stochastic { flows, network, .. } => {
                let contexts = flows.iter().filter_map(|stage| stage.context.as_ref());
                let each = contexts.chain(network).map(|network| blocks(network, &nets));
                each.fold(flows.len(), usize::saturating_add)
            }
            Body::Mixture { values, .. } => {
                let networks = values.iter().flat_map(|(_, networks)| networks);
                networks.map(|network| blocks(network, &nets)).fold(0, usize::saturating_add)
            }
            Body::Deterministic { .. } => 0,
        };
        (model.variable(factor.variable).step.is_some(), blocks, factor.span)
    });
    let values = model.nets.iter().zip(&nets).filter(|(net, _)| net.is_let);
    let values = values.map(|(net, blocks)| (net.step.is_some(), *blocks, net.span));
    let all: Vec<_> = factors.chain(values).collect();
    for (steps, limit) in [(false, MOST_BLOCKS), (true, MOST_STEP_BLOCKS)] {
        let own = || all.iter().filter(|(is_step, ..)| *is_step == steps).map(|(_, blocks, span)| (*blocks, *span));
        let count = own().map(|(blocks, _)| blocks).fold(0usize, usize::saturating_add);
        if let Some((most, span)) = own().max_by_key(|(blocks, _)| *blocks).filter(|_| count > limit) {
            findings.push(messages::too_many_blocks(count, limit, span, most));
        }
    }
}

/// The blocks of a network, including those of the named networks for every use. Values are not included.
fn blocks(network: &Network, nets: &[usize]) -> usize {
    let each = network.nodes.iter().map(|node| match &node.op {
        Op::Block { .. } => 1,
        Op::Net(id) => nets.get(id.0).copied().unwrap_or(0),
        // A value is computed once, however many factors read it.
        Op::Variable(_) | Op::Known(_) | Op::Formal(_) | Op::Past(_) | Op::Let(_) | Op::Experts { .. } => 0,
    });
    each.fold(0, usize::saturating_add)
}
