//! The members that each statement defines.

use super::sets::mentions;
use super::{At, Unroller, member_name};
use crate::ast::{Expression, ExpressionKind, File, Item, ItemKind, Name, Over};
use crate::diagnostics::messages;
use std::collections::{BTreeMap, BTreeSet};

/// A statement, with the index values for which it is expanded.
pub(super) struct Definitions<'f> {
    pub item: &'f Item,
    /// The index values, in order.
    pub at: Vec<At>,
    /// The number of its indices without a `for` clause. It defines the members that no statement with fewer of them
    /// defines: `p(a[1, k])` is an exception to `p(a[t, k])`.
    pub free: usize,
}

impl Definitions<'_> {
    /// The indices of a family by one of its names here, `x[t, k]`. None if one of several selectors is something else,
    /// `x[t, 1]`.
    pub fn indices(&self, name: &Name) -> Option<Vec<String>> {
        let at = self.at.first()?;
        match name.subscript.as_slice() {
            [] => None,
            [_] => (at.len() == 1).then(|| at.keys().cloned().collect()),
            several => {
                several.iter().map(|selector| selector.as_word().filter(|it| at.contains_key(*it)).cloned()).collect()
            }
        }
    }
}

/// A member that a statement defines or is about.
pub(super) type Stated = (Kind, String, Vec<i64>);

/// The kind of a definition. Definitions of one kind must not define the same member twice.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Value,
    Factor(crate::graph::Side),
    Bound,
    Weight,
    Draw,
}

impl Unroller<'_> {
    /// Every statement with the members that it defines, except indices and tables.
    pub(super) fn definitions<'f>(&mut self, file: &'f File) -> Vec<Definitions<'f>> {
        let mut all: Vec<Definitions<'f>> = Vec::new();
        for item in &file.items {
            if !is_of_indices(item) {
                all.extend(self.definition(item));
            }
        }
        self.leave_defined(&mut all);
        all
    }

    fn definition<'f>(&mut self, item: &'f Item) -> Option<Definitions<'f>> {
        let free = self.free(item);
        if let Some(over) = item.over.as_ref().filter(|over| !ranges_over_parts(item, over)) {
            let values = self.set(&over.set, &At::new())?;
            if self.indices.contains_key(&over.index.text) || !self.params.iter().any(|it| it.name == over.index.text) {
                let at = values.into_iter().map(|value| At::from([(over.index.text.clone(), value)])).collect();
                let others: Vec<String> = free.into_iter().filter(|index| *index != over.index.text).collect();
                return Some(Definitions { item, at: self.product(at, &others), free: 0 });
            }
            self.findings.push(messages::index_is_param(&over.index.text, over.index.span));
            return None;
        }
        let at = self.product(vec![At::new()], &free);
        Some(Definitions { item, at, free: free.len() })
    }

    /// The indices on the left side of a statement.
    fn free(&self, item: &Item) -> Vec<String> {
        let left: Vec<&Name> = match &item.kind {
            ItemKind::Variables { names, .. } => names.iter().collect(),
            ItemKind::Net { name, .. } | ItemKind::Let { name, .. } | ItemKind::Flow { name, .. } => vec![name],
            ItemKind::Factor(factor) => vec![&factor.variable],
            ItemKind::Bound { term: name, .. } | ItemKind::Draw { variable: name, .. } => vec![name],
            ItemKind::Weight { term: name, .. } => vec![name],
            ItemKind::Objective(addends) => addends.iter().map(|addend| &addend.variable).collect(),
            _ => Vec::new(),
        };
        let selectors = || left.iter().flat_map(|name| &name.subscript);
        let named = |index: &&String| selectors().any(|selector| mentions(&selector.value, index));
        let mut free: Vec<String> = self.indices.keys().filter(named).cloned().collect();
        // In the order of the brackets.
        free.sort_by_key(|index| selectors().position(|selector| mentions(&selector.value, index)));
        free
    }

    /// Every combination with the values of these indices.
    fn product(&self, mut all: Vec<At>, indices: &[String]) -> Vec<At> {
        for index in indices {
            let values = self.indices.get(index).map_or(&[][..], |index| &index.values);
            let each = |at: &At| {
                let with = |value: &i64| {
                    at.iter().map(|(name, value)| (name.clone(), *value)).chain([(index.clone(), *value)])
                };
                values.iter().map(|value| with(value).collect::<At>()).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(each).collect();
        }
        all
    }

    /// Removes from a statement the members that another one defines with fewer free indices.
    fn leave_defined(&mut self, all: &mut [Definitions<'_>]) {
        let mut defined: BTreeMap<Stated, usize> = BTreeMap::new();
        for definition in all.iter() {
            for (kind, family, member) in definition.states(self) {
                let least = defined.entry((kind, family, member)).or_insert(definition.free);
                *least = definition.free.min(*least);
            }
        }
        for definition in all.iter_mut().filter(|definition| definition.free > 0) {
            let (item, free) = (definition.item, definition.free);
            definition.at.retain(|at| {
                let own = Definitions { item, at: vec![at.clone()], free }.states(self);
                own.is_empty() || own.iter().any(|member| defined.get(member).is_none_or(|least| *least == free))
            });
        }
    }
}

impl Unroller<'_> {
    /// `weight KL_z = …`, `bound KL_z = …` or `draw z = …` about a family: once for each member that has no such statement
    /// of its own. None for any other statement.
    pub(super) fn of_family(&mut self, item: &Item, stated: &BTreeSet<Stated>) -> Option<Vec<Item>> {
        let name = match &item.kind {
            ItemKind::Bound { term: name, .. }
            | ItemKind::Weight { term: name, .. }
            | ItemKind::Draw { variable: name, .. }
                if item.over.is_none() =>
            {
                name
            }
            _ => return None,
        };
        let family = match item.kind {
            ItemKind::Draw { .. } => Some(name.text.as_str()),
            _ => name.text.strip_prefix("KL_").or_else(|| name.text.strip_prefix("RE_")),
        };
        let family = family.filter(|family| name.subscript.is_empty() && self.variables.contains(*family))?;
        let mut members = self.families.get(family).cloned().unwrap_or_default();
        members.retain(|member| {
            let own = kind(item).map(|kind| (kind, name.text.clone(), member.clone()));
            !self.values.contains(&member_name(family, member)) && own.is_none_or(|own| !stated.contains(&own))
        });
        let each = members.into_iter().filter_map(|member| {
            let one = Name::plain(member_name(&name.text, &member), name.span);
            let kind = self.about(item, one)?;
            Some(Item { docs: item.docs.clone(), kind, over: None, span: item.span })
        });
        Some(each.collect())
    }

    /// The statement about this member.
    fn about(&mut self, item: &Item, member: Name) -> Option<ItemKind> {
        let at = At::new();
        Some(match &item.kind {
            ItemKind::Bound { estimator, .. } => ItemKind::Bound { term: member, estimator: estimator.clone() },
            ItemKind::Weight { value, .. } => ItemKind::Weight { term: member, value: self.expression(value, &at)? },
            ItemKind::Draw { method, .. } => ItemKind::Draw { variable: member, method: self.call(method, &at)? },
            _ => return None,
        })
    }
}

/// Whether a statement is about indices and defines no members.
pub(super) fn is_of_indices(item: &Item) -> bool {
    matches!(
        item.kind,
        ItemKind::Index { .. } | ItemKind::Length { .. } | ItemKind::Table { .. } | ItemKind::Checkpoint { .. }
    )
}

/// Whether the clause of a statement ranges over the parts of its right side: the components of a mixture, or experts if
/// the index is not that of the factor's variable.
fn ranges_over_parts(item: &Item, over: &Over) -> bool {
    let ItemKind::Factor(factor) = &item.kind else { return false };
    let is_of_variable = factor.variable.subscript.iter().any(|selector| mentions(&selector.value, &over.index.text));
    factor.mixture.is_some() || (!factor.experts.is_empty() && !is_of_variable)
}

/// The kind of a statement, if its members may be defined by several statements.
fn kind(item: &Item) -> Option<Kind> {
    match &item.kind {
        ItemKind::Net { .. } | ItemKind::Let { .. } | ItemKind::Flow { .. } => Some(Kind::Value),
        ItemKind::Factor(factor) => Some(Kind::Factor(factor.side)),
        ItemKind::Bound { .. } => Some(Kind::Bound),
        ItemKind::Weight { .. } => Some(Kind::Weight),
        ItemKind::Draw { .. } => Some(Kind::Draw),
        _ => None,
    }
}

impl Definitions<'_> {
    /// The members that the statement defines.
    pub(super) fn defines(&self, unroller: &mut Unroller<'_>) -> Vec<(String, Vec<i64>)> {
        match &self.item.kind {
            ItemKind::Variables { names, .. } => self.members(&names.iter().collect::<Vec<_>>(), unroller),
            ItemKind::Net { name, .. } | ItemKind::Let { name, .. } | ItemKind::Flow { name, .. } => {
                self.members(&[name], unroller)
            }
            ItemKind::Factor(factor) => self.members(&[&factor.variable], unroller),
            _ => Vec::new(),
        }
    }

    /// The members about which the statement is, if only one statement of its kind may be about each.
    pub(super) fn states(&self, unroller: &mut Unroller<'_>) -> Vec<Stated> {
        let members = match &self.item.kind {
            ItemKind::Bound { term: name, .. }
            | ItemKind::Weight { term: name, .. }
            | ItemKind::Draw { variable: name, .. } => self.members(&[name], unroller),
            _ => self.defines(unroller),
        };
        let each = members.into_iter();
        each.filter_map(|(family, member)| Some((kind(self.item)?, family, member))).collect()
    }

    /// The members that these names select.
    fn members(&self, names: &[&Name], unroller: &mut Unroller<'_>) -> Vec<(String, Vec<i64>)> {
        let mut all = Vec::new();
        for at in &self.at {
            for name in names.iter().filter(|name| !name.subscript.is_empty()) {
                let values = name.subscript.iter().map(|selector| unroller.try_whole(&selector.value, at));
                all.extend(values.collect::<Option<Vec<i64>>>().map(|member| (name.text.clone(), member)));
            }
        }
        all
    }

    /// Whether every index of the statement ranges over the length. The members then share their parameters.
    pub(super) fn shares(&self, unroller: &Unroller<'_>, selector: &Expression) -> bool {
        !matches!(selector.kind, ExpressionKind::Number(_))
            && unroller.indices.iter().any(|(name, index)| index.over_length && mentions(selector, name))
    }
}
