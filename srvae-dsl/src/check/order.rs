//! The graphs: every variable has its factors, once each, and no factor depends on itself.

use super::Checker;
use crate::ast::File;
use crate::catalog::space_entry;
use crate::diagnostics::messages;
use crate::graph::{Factor, Role, Side, Variable, VariableId, VariableSet};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Side, variable, parents and head of a factor.
type Link = (Side, VariableId, Vec<VariableId>, Span);

impl Checker<'_> {
    /// Duplicate factors, missing ones and cycles.
    pub(super) fn complete(&mut self, file: &File, links: &[Link]) {
        let mut first: BTreeMap<(Side, VariableId), &Link> = BTreeMap::new();
        for link in links {
            let (side, variable, _, head) = link;
            match first.get(&(*side, *variable)) {
                Some((.., earlier)) => {
                    let name = &self.variables[variable.0].name;
                    self.findings.push(messages::duplicate_factor(side.name(), name, *head, *earlier));
                }
                None => {
                    first.insert((*side, *variable), link);
                }
            }
        }
        // A factor that has had an error of its own is not missing.
        let stated: BTreeSet<(Side, &str)> =
            super::factor_items(file).map(|(_, factor)| (factor.side, factor.variable.text.as_str())).collect();
        // An expert of q that reads what a record lacks drops out.
        let products: BTreeSet<(Side, VariableId)> = super::factor_items(file)
            .filter(|(_, factor)| factor.side == Side::Q && !factor.experts.is_empty())
            .filter_map(|(_, factor)| Some((Side::Q, self.find_variable(&factor.variable.text)?)))
            .collect();
        for variable in &self.variables {
            for side in [Side::P, Side::Q] {
                let is_read = || {
                    let id = self.find_variable(&variable.name);
                    let reads = |parents: &[VariableId]| parents.iter().any(|parent| Some(*parent) == id);
                    links.iter().any(|(side, of, parents, _)| !products.contains(&(*side, *of)) && reads(parents))
                };
                let needed = match (variable.role, side) {
                    (Role::Latent, _) | (Role::Observed | Role::Partly, Side::P) => true,
                    // A leaf of p that a record lacks adds nothing to its bound.
                    (Role::Partly, Side::Q) => is_read(),
                    (Role::Observed, Side::Q) | (Role::Given, _) => false,
                };
                if needed && !stated.contains(&(side, variable.name.as_str())) {
                    let role = variable.role.name();
                    let example = self.example(side, variable);
                    let error = messages::missing_factor(side.name(), role, &variable.name, variable.span, &example);
                    self.findings.diagnostics.push(error);
                }
            }
        }
        for side in [Side::P, Side::Q] {
            let parents = first.values().filter(|link| link.0 == side).map(|link| (link.1, *link)).collect();
            self.cycle(side, &parents);
        }
    }

    /// A factor that the file could have for the variable.
    fn example(&self, side: Side, variable: &Variable) -> String {
        let name = &variable.name;
        let other = |role| self.variables.iter().find(|other| other.role == role && other.name != *name);
        let parent = match (side, variable.role) {
            (Side::Q, _) => other(Role::Observed),
            (Side::P, Role::Latent | Role::Partly) => None,
            (Side::P, _) => other(Role::Latent),
        };
        let distribution = space_entry(variable.space).usual;
        let side = side.name();
        match parent {
            Some(parent) => format!("{side}({name} | {}) = {distribution} from {} |> …", parent.name, parent.name),
            None if space_entry(variable.space).discrete => format!("{side}({name} | …) = {distribution} from …"),
            None => format!("{side}({name}) = standard_normal"),
        }
    }

    /// Reports a circle among the factors of one side, where there is one.
    fn cycle(&mut self, side: Side, links: &BTreeMap<VariableId, &Link>) {
        // What is left after taking away, again and again, the factors whose parents are all known.
        let mut left: BTreeSet<VariableId> = links.keys().copied().collect();
        let stated: VariableSet = left.iter().copied().collect();
        let mut waiting: BTreeMap<VariableId, usize> = BTreeMap::new();
        let mut children: BTreeMap<VariableId, Vec<VariableId>> = BTreeMap::new();
        for (variable, (_, _, parents, _)) in links {
            let known = parents.iter().filter(|parent| stated.contains(**parent));
            waiting.insert(*variable, known.clone().count());
            for parent in known {
                children.entry(*parent).or_default().push(*variable);
            }
        }
        let mut ready: Vec<_> =
            waiting.iter().filter(|(_, count)| **count == 0).map(|(variable, _)| *variable).collect();
        while let Some(variable) = ready.pop() {
            left.remove(&variable);
            for child in children.remove(&variable).unwrap_or_default() {
                if let Some(count) = waiting.get_mut(&child) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(child);
                    }
                }
            }
        }
        // Everything left has a parent that is left: going up comes round.
        let Some(mut at) = left.first().copied() else { return };
        let mut walk: Vec<VariableId> = Vec::new();
        let start = loop {
            if let Some(seen) = walk.iter().position(|variable| *variable == at) {
                break seen;
            }
            walk.push(at);
            let parent = links.get(&at).and_then(|link| link.2.iter().find(|parent| left.contains(parent)));
            match parent {
                Some(parent) => at = *parent,
                None => return,
            }
        };
        let circle = &walk[start..];
        let heads: Vec<_> = circle.iter().filter_map(|variable| links.get(variable)).map(|link| link.3).collect();
        let needed = circle.iter().skip(1).chain(circle.first());
        let needed: Vec<_> = needed.map(|variable| self.variables[variable.0].name.clone()).collect();
        let mut path: Vec<_> = circle.iter().rev().map(|variable| self.variables[variable.0].name.as_str()).collect();
        path.extend(path.first().copied());
        self.findings.diagnostics.push(messages::cycle(side.name(), &path, &heads, &needed));
    }

    /// Parents before children, ties in the order of the file. Called on factors without a circle, or after one was
    /// reported.
    pub(super) fn ordered(&self, factors: Vec<Factor>) -> Vec<Factor> {
        let stated: VariableSet = factors.iter().map(|factor| factor.variable).collect();
        let mut known = VariableSet::default();
        let mut left: Vec<Option<Factor>> = factors.into_iter().map(Some).collect();
        let mut ordered = Vec::with_capacity(left.len());
        loop {
            let is_ready = |factor: &Factor| {
                factor.parents.iter().all(|parent| known.contains(*parent) || !stated.contains(*parent))
            };
            let Some(slot) = left.iter_mut().find(|slot| slot.as_ref().is_some_and(is_ready)) else { break };
            if let Some(factor) = slot.take() {
                known.insert(factor.variable);
                ordered.push(factor);
            }
        }
        ordered
    }
}
