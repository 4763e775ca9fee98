//! How the members of families are written, and names of families without an index.

use super::members::Definitions;
use super::{Unroller, names};
use crate::ast::{ItemKind, Name};
use crate::diagnostics::{Diagnostic, messages};
use std::collections::{BTreeMap, BTreeSet};

/// How the members of a family are written.
#[derive(Debug, Clone)]
pub struct Reference {
    /// `z[l]`
    pub one: String,
    /// `z[1..L]`, of variables.
    pub all: Option<String>,
}

impl Reference {
    /// The error for the name of the family without an index.
    pub fn missing(&self, name: &Name) -> Diagnostic {
        messages::family_without_index(&name.text, name.span, &self.one, self.all.as_deref())
    }
}

impl Unroller<'_> {
    /// The families over one index, except those whose name something without an index has too.
    pub(super) fn references(&self, definitions: &[Definitions<'_>]) -> BTreeMap<String, Reference> {
        let (mut found, mut plain) = (BTreeMap::new(), BTreeSet::new());
        for definition in definitions {
            let item = definition.item;
            let is_variable = matches!(item.kind, ItemKind::Variables { .. });
            if !is_variable && !matches!(item.kind, ItemKind::Net { .. } | ItemKind::Let { .. } | ItemKind::Flow { .. })
            {
                continue;
            }
            let indices: Vec<&String> = definition.at.first().into_iter().flat_map(|at| at.keys()).collect();
            for name in names(item) {
                if name.subscript.is_empty() {
                    plain.insert(&name.text);
                } else if let (&[index], [_]) = (indices.as_slice(), name.subscript.as_slice()) {
                    let family = &name.text;
                    let all = is_variable.then(|| self.whole_range(index)).flatten();
                    let all = all.map(|range| format!("{family}[{range}]"));
                    found.entry(family.clone()).or_insert_with(|| Reference { one: format!("{family}[{index}]"), all });
                }
            }
        }
        found.retain(|family, _| !plain.contains(family));
        found
    }

    /// `1..T` for an index whose values are one range.
    fn whole_range(&self, index: &str) -> Option<String> {
        let index = self.indices.get(index)?;
        let (first, last) = (index.values.iter().min()?, index.values.iter().max()?);
        let is_range = last - first + 1 == i64::try_from(index.values.len()).ok()?;
        let last = match self.length.as_ref().filter(|_| index.over_length) {
            Some(length) => length.clone(),
            None => last.to_string(),
        };
        is_range.then(|| format!("{first}..{last}"))
    }

    /// Whether a name is not that of a family without an index, which is an error.
    pub(super) fn has_index(&mut self, name: &Name) -> bool {
        let family = self.references.get(&name.text).filter(|_| name.subscript.is_empty());
        if let Some(family) = family {
            self.findings.push(family.missing(name));
        }
        family.is_none()
    }
}
