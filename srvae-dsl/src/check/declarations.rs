//! The first phase: every name of the file, parameters at their chosen values, variables with their shapes.

use super::nets::Declared;
use super::{Checker, Overrides, docs, names};
use crate::ast::{File, Item, ItemKind, Name, Space};
use crate::diagnostics::{MOST_NAMES, messages};
use crate::graph::{Param, Role, Variable};
use crate::source::{Source, Span};
use std::collections::BTreeMap;

impl<'a> Checker<'a> {
    pub(super) fn declare(&mut self, file: &'a File, source: &Source, overrides: &Overrides) {
        self.model_name(file, source);
        self.unique_names(file);
        for item in &file.items {
            if let ItemKind::Param(setting) = &item.kind {
                let (name, value) = (setting.name.text.clone(), setting.value.clone());
                let span = setting.name.span;
                self.params.push(Param { name, docs: docs(item), default: value.clone(), value, span });
                self.param_used.push(false);
            }
        }
        self.settings(file, overrides);
        for item in &file.items {
            match &item.kind {
                ItemKind::Variables { role, names, space } => self.declare_variables(item, *role, names, space),
                ItemKind::Net { name, formals, output, body } => {
                    let (name, span) = (name.text.clone(), name.span);
                    self.nets.declare(Declared {
                        name,
                        docs: docs(item),
                        formals: formals.clone(),
                        output: output.as_ref(),
                        body: body.into(),
                        span,
                    });
                }
                _ => {}
            }
        }
        self.declare_lets(file);
    }

    fn model_name(&mut self, file: &File, source: &Source) {
        let mut names = file.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Model(name) => Some((item, name)),
            _ => None,
        });
        let Some((item, first)) = names.next() else {
            let end = file.items.first().map_or(Span::new(0, source.text.len().min(1)), |item| item.span);
            self.findings.push(messages::no_model(end));
            return;
        };
        (self.name, self.docs) = (first.text.clone(), docs(item));
        if let Some(error) = names::refuse(&first.text, first.span) {
            self.findings.push(error);
        }
        for (_, second) in names {
            self.findings.push(messages::second_model(second.span, first.span));
        }
        let observed =
            |item: &Item| matches!(item.kind, ItemKind::Variables { role: Role::Observed | Role::Partly, .. });
        if !file.items.iter().any(observed) {
            self.findings.push(messages::nothing_observed(first.span));
        }
    }

    /// Parameters, variables and networks share one space of names; presets have their own.
    fn unique_names(&mut self, file: &File) {
        let (mut seen, mut presets) = (BTreeMap::new(), BTreeMap::new());
        for item in &file.items {
            let (names, seen): (Vec<&Name>, _) = match &item.kind {
                ItemKind::Param(setting) => (vec![&setting.name], &mut seen),
                ItemKind::Variables { names, .. } => (names.iter().collect(), &mut seen),
                ItemKind::Net { name, .. } | ItemKind::Let { name, .. } => (vec![name], &mut seen),
                ItemKind::Preset { name, .. } => (vec![name], &mut presets),
                ItemKind::Model(_)
                | ItemKind::Factor(_)
                | ItemKind::Bound { .. }
                | ItemKind::Draw { .. }
                | ItemKind::Weight { .. }
                | ItemKind::Objective(_) => continue,
            };
            for name in names {
                match seen.get(&name.text) {
                    Some(first) => self.findings.push(messages::defined_twice(&name.text, name.span, *first)),
                    None => {
                        seen.insert(name.text.clone(), name.span);
                        let refuse = match item.kind {
                            ItemKind::Param(_) => names::refuse_param,
                            _ => names::refuse,
                        };
                        self.findings.diagnostics.extend(refuse(&name.text, name.span));
                    }
                }
                if seen.len() > MOST_NAMES {
                    self.findings.push(messages::too_many_names(name.span));
                    return;
                }
            }
        }
    }

    fn declare_variables(&mut self, item: &Item, role: Role, names: &[Name], space: &Space) {
        let Some(entry) = self.space_entry(space) else { return };
        let Some((dims, shape)) = self.sizes(entry, space) else { return };
        for name in names {
            self.variables.push(Variable {
                name: name.text.clone(),
                docs: docs(item),
                role,
                space: entry.space,
                dims: dims.clone(),
                shape: shape.clone(),
                span: name.span,
            });
            self.space_spans.push(space.span);
        }
    }
}
