//! The steps of a sequence share their weights, so each weight has one shape, and a value has one shape at every step.

use crate::catalog::show_shape;
use crate::diagnostics::{Diagnostic, Findings, messages};
use crate::graph::{Model, Net, NetBody, Network, Op};
use crate::source::Span;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A block with weights, or a whole value, at one step.
struct Seen {
    step: usize,
    /// Of its inputs, or of the value.
    shapes: String,
    /// The number of its weights; of a value 0.
    weights: u64,
}

/// What the first step has, by the path of the family and that of the block below it, which is empty for a value.
type SeenAt = BTreeMap<(String, String), Seen>;

/// Refuses a family over the length whose steps need weights, or have values, of different shapes.
pub(super) fn shapes(model: &Model, findings: &mut Findings) {
    if model.length.is_none() {
        return;
    }
    let mut seen: SeenAt = BTreeMap::new();
    let nets = model.nets.iter().filter_map(|net| Some((net, net.step?)));
    let mut fault = None;
    for (net, step) in nets {
        let NetBody::Network(network) = &net.body else { continue };
        let found = weights(network, (&net.path, net.span, step), &mut seen)
            .or_else(|| value(net, step, &mut seen).filter(|_| net.is_let));
        fault = fault.or(found);
    }
    for factor in model.p.iter().chain(&model.q) {
        let Some(step) = model.variable(factor.variable).step else { continue };
        for (at, network) in factor.networks().enumerate() {
            let path = format!("{}#{at}", factor.path);
            fault = fault.or_else(|| weights(network, (&path, factor.span, step), &mut seen));
        }
    }
    if let Some(fault) = fault {
        findings.push(fault);
    }
}

/// The first block of a network that has other weights than at an earlier step.
fn weights(network: &Network, (owner, span, step): (&str, Span, usize), seen: &mut SeenAt) -> Option<Diagnostic> {
    network.nodes.iter().find_map(|node| {
        let Op::Block { block, .. } = &node.op else { return None };
        let inputs: Vec<&[usize]> = node.inputs.iter().map(|input| network.nodes[input.0].shape.as_slice()).collect();
        let weights = (block.entry.cost)(&block.values(), &inputs).parameters;
        if weights == 0 {
            return None;
        }
        let shapes: Vec<String> = inputs.iter().map(|shape| show_shape(shape)).collect();
        let now = Seen { step, shapes: shapes.join(", "), weights };
        let first = first_of((owner, &node.path), now, seen)?;
        (first.weights != weights).then(|| {
            messages::weights_of_steps(
                block.entry.name,
                (first.step, &first.shapes),
                (step, &shapes.join(", ")),
                span,
                node.span,
            )
        })
    })
}

/// The fault of a value whose shape is not that of an earlier step.
fn value(net: &Net, step: usize, seen: &mut SeenAt) -> Option<Diagnostic> {
    let shape = show_shape(&net.output);
    let now = Seen { step, shapes: shape.clone(), weights: 0 };
    let first = first_of((&net.path, ""), now, seen)?;
    (first.shapes != shape)
        .then(|| messages::value_of_steps(&net.name, (first.step, &first.shapes), (step, &shape), net.span))
}

/// The same block or value at an earlier step; none if this is the first.
fn first_of<'s>((owner, path): (&str, &str), now: Seen, seen: &'s mut SeenAt) -> Option<&'s Seen> {
    let key = (owner.to_owned(), path.to_owned());
    match seen.entry(key) {
        Entry::Vacant(place) => {
            place.insert(now);
            None
        }
        Entry::Occupied(place) => Some(&*place.into_mut()),
    }
}
