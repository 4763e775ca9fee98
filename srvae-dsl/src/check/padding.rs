//! Reads beyond the end of a record.
//!
//! A record of a sequence may end before the last step. What follows is padding, which must have no influence. A value of a step may read that
//! step and earlier ones, a backward recurrence, whose padding has the value at its start, and, outside of the sequence, a forward recurrence,
//! which is read at the record's end. Every other read of a later step would be a read of padding.

use crate::diagnostics::{Findings, messages};
use crate::graph::{Body, Factor, Model, Net, NetBody, NetId, Network, Op, VariableId, family};
use crate::source::Span;
use std::collections::BTreeSet;

/// The first step is part of every record.
const FIRST: usize = 1;

/// Refuses what reads padding.
pub(super) fn reads(model: &Model, findings: &mut Findings) {
    if model.length.is_none() {
        return;
    }
    let factors = model.p.iter().chain(&model.q).filter_map(|factor| of_factor(model, factor));
    let values = model.nets.iter().filter_map(|net| of_value(model, net));
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for read in factors.chain(values) {
        // The members of a family come from one statement.
        if seen.insert(read.span.start) {
            findings.push(messages::reads_padding(&read.name, read.remedy, read.span));
        }
    }
}

/// A read of padding.
struct Read {
    /// What is read.
    name: String,
    remedy: messages::PaddingRemedy,
    span: Span,
}

fn of_factor(model: &Model, factor: &Factor) -> Option<Read> {
    let own = model.variable(factor.variable).step;
    if let Body::Deterministic { input, .. } = &factor.body
        && is_beyond(model, *input, own)
    {
        return Some(of_variable(model, *input, own, factor.span));
    }
    factor.networks().find_map(|network| of_network(model, network, (None, own)))
}

fn of_value(model: &Model, net: &Net) -> Option<Read> {
    match &net.body {
        NetBody::Network(network) if net.is_let => of_network(model, network, (Some(net), net.step)),
        _ => None,
    }
}

/// The first read of padding in a network of a step, or outside of the sequence.
fn of_network(model: &Model, network: &Network, (reader, own): (Option<&Net>, Option<usize>)) -> Option<Read> {
    network.nodes.iter().find_map(|node| match node.op {
        Op::Variable(id) | Op::Known(id) if is_beyond(model, id, own) => {
            let mut read = of_variable(model, id, own, node.span);
            if reader.is_some_and(|net| is_start(model, net)) {
                read.remedy = messages::PaddingRemedy::Start;
            }
            Some(read)
        }
        Op::Let(id) => {
            let remedy = of_let(model, id, reader, own)?;
            Some(Read { name: model.nets[id.0].name.clone(), remedy, span: node.span })
        }
        _ => None,
    })
}

fn of_variable(model: &Model, id: VariableId, own: Option<usize>, span: Span) -> Read {
    let remedy = if own.is_some() { messages::PaddingRemedy::Backward } else { messages::PaddingRemedy::Forward };
    Read { name: model.variable(id).name.clone(), remedy, span }
}

/// The remedy if reading this value is a read of padding.
fn of_let(model: &Model, id: NetId, reader: Option<&Net>, own: Option<usize>) -> Option<messages::PaddingRemedy> {
    let net = &model.nets[id.0];
    let is_later = net.step.is_some_and(|step| step > own.unwrap_or(FIRST));
    let reads_steps = net.reads.iter().any(|read| model.variable(read).step.is_some());
    if !is_later || !reads_steps || model.goes_on_from(id).is_some() {
        return None;
    }
    let is_recurrence = model.comes_from(id).is_some();
    match own {
        None if is_recurrence => None,
        None => Some(messages::PaddingRemedy::Forward),
        Some(_) if reader.is_some_and(|reader| family(&reader.name) == family(&net.name)) => {
            Some(messages::PaddingRemedy::Start)
        }
        Some(_) if is_recurrence => Some(messages::PaddingRemedy::End),
        Some(_) => Some(messages::PaddingRemedy::Backward),
    }
}

/// Whether another value of its family goes on from this one, which is the start of a backward recurrence.
fn is_start(model: &Model, net: &Net) -> bool {
    let goes_on = |at: usize| model.goes_on_from(NetId(at)).is_some_and(|from| model.nets[from.0].name == net.name);
    (0..model.nets.len()).any(goes_on)
}

fn is_beyond(model: &Model, id: VariableId, own: Option<usize>) -> bool {
    model.variable(id).step.is_some_and(|step| step > own.unwrap_or(FIRST))
}
