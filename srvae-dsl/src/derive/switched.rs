//! Modes that draw some variables of a family from q and others from p: the steps after the end of a record, or the
//! lower levels of a hierarchy.
//!
//! Such a mode first draws everything from q, in q's order, and then all variables in p's order. The second draw
//! replaces the first beyond the switch. A continuation is exact if q is the posterior of a record that ends at the
//! switch. Neither p nor q may then draw an earlier variable from a later one.

use super::condition::steps;
use super::evidence::Evidence;
use super::mode::{Mode, Step, Switch, drawn_anew, read};
use super::reason::{Reason, head};
use crate::graph::{Factor, Model, NetBody, NetId, Network, Node, Role, Side, VariableId, VariableSet, member};

pub(super) const CONTINUATION: &str = "continuation";
pub(super) const TOP: &str = "top_reconstruction";
/// The minimum number of levels for top reconstruction.
pub(super) const LEAST_LEVELS: usize = 3;

/// Continuation of each record: its first steps are given, their latents come from q, and everything after them from p.
pub(super) fn continuation(model: &Model, data: &Evidence) -> Result<Mode, Reason> {
    let mut all = steps(model, data)?;
    let is_drawn_given =
        read(model, data, &all).iter().any(|id| matches!(model.variable(*id).role, Role::Observed | Role::Partly));
    if !is_drawn_given && !model.p.iter().any(|factor| follows(model, factor)) {
        return Err(Reason::IgnoresData);
    }
    for factor in model.p.iter().chain(&model.q) {
        let step = model.variable(factor.variable).step;
        // With the number of kept steps as the length, a value at the end of the record is that of the last kept step.
        let knows_end = step.is_none() && factor.side == Side::Q;
        // Every record has a first step.
        let own = (step.unwrap_or(1), knows_end);
        if let Some(later) = factor.networks().find_map(|network| later(model, network, own)) {
            let reader = head(model, factor.side, factor.variable);
            return Err(Reason::ReadsLater { reader, later });
        }
    }
    for (at, net) in model.nets.iter().enumerate() {
        if let (Some(step), Some(_), NetBody::Network(network)) = (net.step, model.goes_on_from(NetId(at)), &net.body)
            && let Some(later) = later(model, network, (step, false))
        {
            return Err(Reason::ReadsLater { reader: format!("the value {}", net.name), later });
        }
    }
    let has_step = |factor: &&Factor| model.variable(factor.variable).step.is_some();
    all.extend(model.p.iter().filter(has_step).map(|factor| Step { variable: factor.variable, side: Side::P }));
    let mut given: VariableSet = read(model, data, &all).into_iter().collect();
    // The observed variables of the steps are given, and the end of each record.
    given.extend(data.iter().filter(|id| model.variable(*id).step.is_some()));
    given.extend(model.length);
    let found = Mode::new(model, (CONTINUATION.to_owned(), given.iter().collect(), all), data);
    Ok(Mode { switch: Some(Switch::Length), ..found })
}

/// Whether a factor of a step reads a variable of the data from an earlier one.
fn follows(model: &Model, factor: &Factor) -> bool {
    let Some(own) = model.variable(factor.variable).step else { return false };
    let is_earlier = |id: VariableId| {
        let variable = model.variable(id);
        matches!(variable.role, Role::Observed | Role::Partly) && variable.step.is_some_and(|step| step < own)
    };
    factor.parents.iter().any(is_earlier)
}

/// A variable of a later step than `own` that a network reads. A backward recurrence does not count, because it starts
/// at the end of the record, and neither does a forward one that is read at the end, if the reader knows the end.
fn later(model: &Model, network: &Network, (own, knows_end): (usize, bool)) -> Option<VariableId> {
    let is_at_end = |id: NetId| model.goes_on_from(id).is_some() || knows_end && model.comes_from(id).is_some();
    let is_later = |id: &VariableId| model.variable(*id).step.is_some_and(|step| step > own);
    let (mut open, mut seen): (Vec<&Network>, Vec<NetId>) = (vec![network], Vec::new());
    while let Some(network) = open.pop() {
        if let Some(found) = network.nodes.iter().filter_map(Node::variable).find(is_later) {
            return Some(found);
        }
        for id in network.lets().filter(|id| !is_at_end(*id)) {
            // Descend only into values that read a later step.
            let reads_later = model.nets[id.0].reads.iter().any(|id| is_later(&id));
            if let (true, false, NetBody::Network(inner)) = (reads_later, seen.contains(&id), &model.nets[id.0].body) {
                seen.push(id);
                open.push(inner);
            }
        }
    }
    None
}

/// The top levels of a hierarchy from q, the others and the data from p.
pub(super) fn top(model: &Model, data: &Evidence) -> Result<Mode, Reason> {
    let (levels, mut all) = (levels(model), steps(model, data)?);
    let anew: VariableSet = drawn_anew(model, data, &all).into_iter().map(|step| step.variable).collect();
    let is_drawn = |factor: &&Factor| levels.contains(&factor.variable) || anew.contains(factor.variable);
    all.extend(model.p.iter().filter(is_drawn).map(|factor| Step { variable: factor.variable, side: Side::P }));
    let given = read(model, data, &all);
    Ok(Mode { switch: Some(Switch::Top), ..Mode::new(model, (TOP.to_owned(), given, all), data) })
}

/// The levels of a model's hierarchy, the top one first: latents that are members of a family and drawn from q, in p's
/// order.
pub fn levels(model: &Model) -> Vec<VariableId> {
    let is_level = |id: &VariableId| {
        let variable = model.variable(*id);
        let is_drawn = model.q_of(*id).is_some_and(|factor| !super::is_deterministic(factor));
        variable.role == Role::Latent && variable.step.is_none() && member(&variable.name).is_some() && is_drawn
    };
    model.p.iter().map(|factor| factor.variable).filter(is_level).collect()
}
