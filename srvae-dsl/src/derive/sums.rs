//! The part of a sum that matters where some of its variables are known.

use crate::graph::{Factor, Model, Turn, VariableId, VariableSet};

/// The turns, with their factors, on which the unknown variables of the sum depend. A factor that belongs to none of them
/// and reads none is a number. A variable that is not summed out, is unknown and is read by no factor of p adds nothing,
/// because its factor integrates to 1.
pub fn joining(model: &Model, is_known: impl Fn(VariableId) -> bool) -> Vec<(&Turn, &Factor)> {
    if model.sum.is_empty() {
        return Vec::new();
    }
    let read: VariableSet = model.p.iter().flat_map(|factor| factor.parents.iter()).collect();
    let is_hidden = |id: VariableId| model.sum.contains(id) && !is_known(id);
    let matters = |factor: &Factor| {
        let own = factor.variable;
        let is_open_leaf = !model.sum.contains(own) && !is_known(own) && !read.contains(own);
        !is_open_leaf && (is_hidden(own) || factor.parents.iter().any(is_hidden))
    };
    let turns = model.sum.turns.iter().filter_map(|turn| Some((turn, model.p_of(turn.variable)?)));
    turns.filter(|(_, factor)| matters(factor)).collect()
}

/// The variables of the factors on which the unknown variables of the sum depend.
pub(super) fn joined(model: &Model, is_known: impl Fn(VariableId) -> bool) -> Vec<VariableId> {
    let of_factor = |(_, factor): (_, &Factor)| factor.parents.iter().chain([factor.variable]).collect::<Vec<_>>();
    joining(model, is_known).into_iter().flat_map(of_factor).collect()
}
