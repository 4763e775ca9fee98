//! The graphs: every variable has exactly its factors, and no factor depends on itself.

use super::Checker;
use crate::ast::{File, ItemKind};
use crate::catalog::space_entry;
use crate::diagnostics::messages;
use crate::graph::{Factor, Parents, Role, Side, Variable, VariableId, VariableSet, family};
use crate::source::Span;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::ops::Range;

/// Side, variable, parents whose values it reads, and head of a factor.
type Link<'h> = (Side, VariableId, &'h Parents, Span);

impl Checker<'_> {
    /// Duplicate factors, missing ones and cycles.
    pub(super) fn complete(&mut self, file: &File, links: &[Link<'_>]) {
        let mut first: BTreeMap<(Side, VariableId), &Link<'_>> = BTreeMap::new();
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
        // An expert of q that reads a missing variable drops out.
        let joint: VariableSet = super::factor_items(file)
            .filter(|(_, factor)| factor.side == Side::Q && !factor.experts.is_empty())
            .filter_map(|(_, factor)| self.find_variable(&factor.variable.text))
            .collect();
        self.missing(file, links, &joint);
        for side in [Side::P, Side::Q] {
            let parents = first.values().filter(|link| link.0 == side).map(|link| (link.1, *link)).collect();
            if side == Side::Q {
                self.only_where_observed = self.read_where_observed(&parents, &joint);
            }
            self.cycle(side, &parents);
        }
    }

    /// The experts that read a partly observed variable only in records that have it, as pairs of the factor's variable and
    /// the one that is read: those from whose factor q draws the missing value. A record either has the value, and then it is
    /// not drawn, or lacks it, and then the expert drops out, so neither depends on itself.
    fn read_where_observed(
        &self,
        links: &BTreeMap<VariableId, &Link<'_>>,
        joint: &VariableSet,
    ) -> BTreeSet<(VariableId, VariableId)> {
        let is_open = |reader: VariableId, read: VariableId| {
            joint.contains(reader) && self.variable(read).role == Role::Partly && links.contains_key(&read)
        };
        let depends = |later: VariableId, earlier: VariableId| {
            let (mut seen, mut open) = (VariableSet::default(), vec![later]);
            while let Some(at) = open.pop() {
                let parents = links.get(&at).into_iter().flat_map(|link| link.2.iter());
                open.extend(parents.filter(|parent| !is_open(at, *parent) && seen.insert(*parent)));
            }
            seen.contains(earlier)
        };
        let readers = links.iter().filter(|(reader, _)| joint.contains(**reader));
        let pairs = readers.flat_map(|(reader, link)| link.2.iter().map(|read| (*reader, read)));
        pairs.filter(|(reader, read)| is_open(*reader, *read) && depends(*read, *reader)).collect()
    }

    /// Reports the variables without a factor that they need.
    fn missing(&mut self, file: &File, links: &[Link<'_>], joint: &VariableSet) {
        // A factor with an error is not missing.
        let stated: BTreeSet<(Side, &str)> =
            super::factor_items(file).map(|(_, factor)| (factor.side, factor.variable.text.as_str())).collect();
        let enumerated: BTreeSet<&str> = file
            .items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Draw { variable, method } if method.name.text == "enumerate" => Some(variable.text.as_str()),
                _ => None,
            })
            .collect();
        for variable in &self.variables {
            for side in [Side::P, Side::Q] {
                let reader = || {
                    let id = self.find_variable(&variable.name);
                    let reads = |parents: &Parents| id.is_some_and(|id| parents.contains(id));
                    let is_joint = |side: Side, of: VariableId| side == Side::Q && joint.contains(of);
                    links.iter().find(|(side, of, parents, _)| !is_joint(*side, *of) && reads(parents))
                };
                let needed = match (variable.role, side) {
                    // Without a factor of q it is summed out.
                    (Role::Latent, Side::Q) => !enumerated.contains(variable.name.as_str()),
                    (Role::Latent | Role::Global, _) | (Role::Observed | Role::Partly, Side::P) => true,
                    // A leaf of p that is missing in a record adds nothing to the record's bound.
                    (Role::Partly, Side::Q) => reader().is_some() && !enumerated.contains(variable.name.as_str()),
                    (Role::Observed, Side::Q) | (Role::Given, _) => false,
                };
                if needed && !stated.contains(&(side, variable.name.as_str())) {
                    let role = variable.role.name();
                    let example = self.example(side, variable);
                    let reader = reader().filter(|_| (variable.role, side) == (Role::Partly, Side::Q));
                    let is_discrete = space_entry(variable.space).discrete;
                    let error = match reader {
                        Some((side, of, _, head)) => {
                            let reader = format!("{}({} | …)", side.name(), self.variable(*of).name);
                            messages::missing_where_read(
                                &variable.name,
                                variable.span,
                                (&reader, *side, *head),
                                &example,
                                is_discrete && *side == Side::P,
                            )
                        }
                        None => {
                            let may_be_summed = (variable.role, side, is_discrete) == (Role::Latent, Side::Q, true);
                            let (name, place) = (&variable.name, variable.span);
                            messages::missing_factor((side.name(), role), name, place, &example, may_be_summed)
                        }
                    };
                    self.findings.diagnostics.push(error);
                }
            }
        }
    }

    /// An example of a factor for the variable.
    fn example(&self, side: Side, variable: &Variable) -> String {
        let is_partly = variable.role == Role::Partly;
        // All members of a partly observed family are read alike.
        let family = self.references.get(family(&variable.name)).filter(|_| is_partly);
        let name = family.map_or(&variable.name, |family| &family.one);
        let other = |role| self.variables.iter().find(|other| other.role == role && other.name != variable.name);
        let parent = match (side, variable.role) {
            (Side::Q, Role::Global) => None,
            (Side::Q, _) => other(Role::Observed),
            (Side::P, Role::Latent | Role::Global | Role::Partly) => None,
            (Side::P, _) => other(Role::Latent),
        };
        let distribution = space_entry(variable.space).usual;
        let side = side.name();
        match parent {
            Some(parent) => format!("{side}({name} | {}) = {distribution} from {} |> …", parent.name, parent.name),
            None if space_entry(variable.space).discrete || is_partly => {
                format!("{side}({name} | …) = {distribution} from …")
            }
            None => format!("{side}({name}) = standard_normal"),
        }
    }

    /// Reports a cycle among the factors of p or of q, if there is one.
    fn cycle(&mut self, side: Side, links: &BTreeMap<VariableId, &Link<'_>>) {
        let all: Vec<_> = links.values().map(|link| (link.1, link.2)).collect();
        let done: VariableSet = sorted(&all, &self.loose(side)).into_iter().map(|at| all[at].0).collect();
        let left: BTreeSet<VariableId> = links.keys().copied().filter(|variable| !done.contains(*variable)).collect();
        // Every remaining factor has a remaining parent, so following parents leads to a cycle.
        let Some(mut at) = left.first().copied() else { return };
        let mut walk: Vec<VariableId> = Vec::new();
        let start = loop {
            if let Some(seen) = walk.iter().position(|variable| *variable == at) {
                break seen;
            }
            walk.push(at);
            let parent = links.get(&at).and_then(|link| link.2.iter().find(|parent| left.contains(parent)));
            match parent {
                Some(parent) => at = parent,
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

    /// Pairs of a variable and a parent that may be drawn after it.
    fn loose(&self, side: Side) -> impl Fn(VariableId, VariableId) -> bool + '_ {
        move |reader, read| side == Side::Q && self.only_where_observed.contains(&(reader, read))
    }

    /// Sorts parents before children, ties in the order of the file. The factors have no cycle, or it was reported
    /// before.
    pub(super) fn ordered(&self, side: Side, factors: Vec<Factor>) -> Vec<Factor> {
        let all: Vec<_> = factors.iter().map(|factor| (factor.variable, &factor.read)).collect();
        let order = sorted(&all, &self.loose(side));
        let mut left: Vec<Option<Factor>> = factors.into_iter().map(Some).collect();
        order.into_iter().filter_map(|at| left[at].take()).collect()
    }
}

/// The next variable of runs that a set contains. It and those before it are removed from the runs.
fn next_of(set: &VariableSet, runs: &mut VecDeque<Range<usize>>) -> Option<VariableId> {
    loop {
        let run = runs.front_mut()?;
        if let Some(id) = set.first_of(run.clone()) {
            run.start = id.0 + 1;
            return Some(id);
        }
        runs.pop_front();
    }
}

/// Positions of factors, parents before children except for loose ones, ties in the order given. Those on a cycle or below
/// one are left out.
fn sorted(factors: &[(VariableId, &Parents)], is_loose: &impl Fn(VariableId, VariableId) -> bool) -> Vec<usize> {
    // The variables whose factors are not in the order yet.
    let mut unknown: VariableSet = factors.iter().map(|(variable, _)| *variable).collect();
    // The parents of each factor that are still to be visited, and the factors that wait for a variable.
    let mut left: Vec<VecDeque<Range<usize>>> = factors.iter().map(|(_, parents)| parents.runs().collect()).collect();
    let mut waiting: BTreeMap<VariableId, Vec<usize>> = BTreeMap::new();
    let mut ready = BinaryHeap::new();
    let mut open: Vec<usize> = (0..factors.len()).collect();
    let mut order = Vec::with_capacity(factors.len());
    loop {
        for at in open {
            let own = factors[at].0;
            let mut open = std::iter::from_fn(|| next_of(&unknown, &mut left[at]));
            match open.find(|parent| !is_loose(own, *parent)) {
                Some(missing) => waiting.entry(missing).or_default().push(at),
                None => ready.push(Reverse(at)),
            }
        }
        let Some(Reverse(at)) = ready.pop() else { return order };
        let (variable, _) = factors[at];
        unknown.remove(variable);
        order.push(at);
        open = waiting.remove(&variable).unwrap_or_default();
    }
}
