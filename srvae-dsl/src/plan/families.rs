//! Families of variables in generated code: the members have one type, and several members are one list.

use super::Plan;
use super::names::{ARGUMENTS, Names};
use super::program::{Operation, Program, Value};
use crate::derive::{Term, TermKind};
use crate::graph::{Model, VariableId, family, member};
use std::collections::{BTreeMap, BTreeSet};

/// A family whose members have the same role and space.
#[derive(Debug, Clone)]
pub struct Family {
    /// Its name in the file.
    pub name: String,
    /// The names of its field and of its type.
    pub field: String,
    pub ty: String,
    /// In the order of the file.
    pub members: Vec<VariableId>,
    /// The index of the first member and the constant increment. None if there is no constant increment.
    pub range: Option<(i64, i64)>,
}

/// The families of a model.
#[derive(Debug, Clone, Default)]
pub struct Families {
    pub all: Vec<Family>,
    /// For each variable, its family and its position there.
    places: Vec<Option<(usize, usize)>>,
}

/// A value for a single variable, or for several members of a family.
#[derive(Debug)]
pub enum Group<T> {
    One(T),
    Members {
        /// Position in [`Families::all`].
        family: usize,
        /// The position of the first member.
        from: usize,
        /// For consecutive members.
        each: Vec<T>,
    },
}

impl Families {
    pub(super) fn of(model: &Model) -> Self {
        let mut members: BTreeMap<&str, Vec<VariableId>> = BTreeMap::new();
        let mut alone: BTreeSet<&str> = BTreeSet::new();
        for (at, variable) in model.variables.iter().enumerate() {
            let name = family(&variable.name);
            match member(&variable.name) {
                Some(_) => members.entry(name).or_default().push(VariableId(at)),
                None => drop(alone.insert(name)),
            }
        }
        let is_one = |ids: &[VariableId]| {
            let kind = |id: &VariableId| (model.variable(*id).role, model.variable(*id).space);
            ids.iter().all(|id| kind(id) == kind(&ids[0]))
        };
        let mut families = Self { all: Vec::new(), places: vec![None; model.variables.len()] };
        for (name, members) in members.into_iter().filter(|(name, ids)| !alone.contains(name) && is_one(ids)) {
            let range = range(model, &members);
            // Steps are addressed by their number.
            if range.is_none() && members.iter().any(|id| model.variable(*id).step.is_some()) {
                continue;
            }
            let at = families.all.len();
            members.iter().enumerate().for_each(|(position, id)| families.places[id.0] = Some((at, position)));
            let (field, ty) = (String::new(), String::new());
            families.all.push(Family { name: name.to_owned(), field, ty, members, range });
        }
        families
    }

    /// The family of a variable.
    pub fn find(&self, id: VariableId) -> Option<&Family> {
        self.place(id).map(|(family, _)| &self.all[family])
    }

    fn place(&self, id: VariableId) -> Option<(usize, usize)> {
        self.places.get(id.0).copied().flatten()
    }

    /// Groups items by family, at the place of the family's first item.
    pub fn grouped<T>(&self, items: Vec<(Option<VariableId>, T)>) -> Vec<Group<T>> {
        let mut positions: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (family, position) in items.iter().filter_map(|(id, _)| self.place((*id)?)) {
            positions.entry(family).or_default().push(position);
        }
        positions.retain(|_, all| all.len() > 1 && all.windows(2).all(|pair| pair[0] + 1 == pair[1]));
        let (mut groups, mut begun): (Vec<Group<T>>, BTreeMap<usize, usize>) = Default::default();
        for (id, item) in items {
            let place = id.and_then(|id| self.place(id)).filter(|(family, _)| positions.contains_key(family));
            let Some((family, from)) = place else {
                groups.push(Group::One(item));
                continue;
            };
            let at = *begun.entry(family).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(Group::Members { each, .. }) => each.push(item),
                _ => groups.push(Group::Members { family, from, each: vec![item] }),
            }
        }
        groups
    }

    /// The inputs of a program, grouped. A partly observed variable is not grouped.
    pub fn given<'p>(&self, program: &'p Program) -> Vec<Group<&'p Value>> {
        let items = program.arguments().map(|value| match value.operation {
            Operation::Given(id) => (Some(id), value),
            _ => (None, value),
        });
        self.grouped(items.collect())
    }

    /// The name of a list of members among the locals of a program.
    pub fn argument(&self, family: usize, program: &Program) -> String {
        let taken: Vec<&str> = program.values.iter().map(|value| value.name.as_str()).chain(ARGUMENTS).collect();
        Names::with(&taken).local(&self.all[family].field)
    }

    /// The terms of the bound. Those of one kind of a family are grouped, in the order of its members, each with its
    /// position.
    pub fn terms<'p>(&self, plan: &'p Plan) -> Vec<Group<(usize, &'p Term)>> {
        let mut kinds: [Vec<(Option<VariableId>, (usize, &'p Term))>; 2] = Default::default();
        for (at, term) in plan.derivation.terms.iter().enumerate() {
            let kind = usize::from(term.kind != TermKind::Reconstruction);
            kinds[kind].push((Some(term.variable), (at, term)));
        }
        let in_order = |mut items: Vec<(Option<VariableId>, (usize, &'p Term))>| {
            // Children come before their parents, so a family's last members come first.
            let mut places: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for (at, (id, _)) in items.iter().enumerate() {
                if let Some((family, _)) = id.and_then(|id| self.place(id)) {
                    places.entry(family).or_default().push(at);
                }
            }
            for all in places.into_values() {
                let mut sorted: Vec<_> = all.iter().map(|at| items[*at]).collect();
                sorted.sort_by_key(|(id, _)| id.and_then(|id| self.place(id)));
                all.into_iter().zip(sorted).for_each(|(at, item)| items[at] = item);
            }
            self.grouped(items)
        };
        kinds.into_iter().flat_map(in_order).collect()
    }
}

/// The index of the first member and the constant increment.
fn range(model: &Model, members: &[VariableId]) -> Option<(i64, i64)> {
    let value = |id: &VariableId| member(&model.variable(*id).name).map(|(_, value)| value);
    let values: Vec<i64> = members.iter().map(value).collect::<Option<_>>()?;
    let step = match values.as_slice() {
        [first, second, ..] => second.checked_sub(*first)?,
        _ => 1,
    };
    let goes_on = values.windows(2).all(|pair| pair[0].checked_add(step) == Some(pair[1]));
    goes_on.then_some((values[0], step))
}
