//! The first phase: every name of the file, parameters at their chosen values, variables with their shapes.

use super::nets::Declared;
use super::{Checker, Overrides, docs, names};
use crate::ast::{self, File, Item, ItemKind, Name};
use crate::diagnostics::{MOST_NAMES, messages};
use crate::graph::{Dependences, Number, Param, Role, Space, Value, Variable, VariableId, member};
use crate::source::{Source, Span};
use std::collections::BTreeMap;

/// The parameter with the number of records, for which a global variable has the same value.
pub const RECORDS: &str = "records";
/// The length for checks if neither the file nor the data state one.
const CHECKED_LENGTH: i64 = 4;

impl<'a> Checker<'a> {
    /// Parameters at their chosen values, including the length.
    pub(super) fn parameters(&mut self, file: &File, overrides: &Overrides) {
        for item in &file.items {
            let (name, value) = match &item.kind {
                ItemKind::Param(setting) => (&setting.name, setting.value.clone()),
                ItemKind::Length { name, value } => (name, value.clone().unwrap_or(Value::Int(CHECKED_LENGTH))),
                _ => continue,
            };
            let (text, span) = (name.text.clone(), name.span);
            self.params.push(Param { name: text, docs: docs(item), default: value.clone(), value, span });
            self.param_used.push(false);
        }
        self.declare_records(file);
        self.settings(file, overrides);
    }

    /// Declares the parameter for the number of records, which training sets, if there is a global variable.
    fn declare_records(&mut self, file: &File) {
        let global = file.items.iter().find_map(|item| match &item.kind {
            ItemKind::Variables { role: Role::Global, names, .. } => names.first(),
            _ => None,
        });
        let Some(global) = global else { return };
        match self.params.iter().position(|param| param.name == RECORDS) {
            Some(at) => self.param_used[at] = true,
            None => {
                let docs = vec!["The number of records, for global variables; training sets it.".to_owned()];
                let (name, value) = (RECORDS.to_owned(), Value::Int(1));
                self.params.push(Param { name, docs, default: value.clone(), value, span: global.span });
                self.param_used.push(true);
            }
        }
    }

    /// Declares everything else that has a name.
    pub(super) fn declare(&mut self, file: &'a File, source: &Source) {
        self.model_name(file, source);
        self.unique_names(file);
        for item in &file.items {
            match &item.kind {
                ItemKind::Variables { role, names, space } => self.declare_variables(item, *role, names, space),
                ItemKind::Net { name, formals, output, body } => {
                    let (name, span) = (name.text.clone(), name.span);
                    self.nets.declare(Declared {
                        name,
                        docs: docs(item),
                        formals: formals.clone(),
                        reads: Dependences::default(),
                        output: output.as_ref(),
                        body: body.into(),
                        span,
                    });
                }
                _ => {}
            }
        }
        self.declare_lets(file);
        self.declare_flows(file);
    }

    /// Declares the number of steps of each record, a given variable. The parameter of the same name is the maximum.
    pub(super) fn declare_length(&mut self, name: &str) -> Option<VariableId> {
        let param = self.params.iter().find(|param| param.name == name)?;
        let (docs, span) = (vec!["Steps of each record.".to_owned()], param.span);
        let dims = vec![Number::Literal(Value::Int(1))];
        let (name, role, space, since) = (name.to_owned(), Role::Given, Space::Real, VariableId(0));
        let variable = Variable { name, docs, role, space, dims, shape: vec![1], step: None, since, span };
        Some(self.variable_is(variable, span))
    }

    pub(super) fn step_of(&self, name: &str) -> Option<usize> {
        self.steps.get(name).and_then(|step| usize::try_from(*step).ok())
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

    /// Indices, tables and lengths share the names of everything else that a file declares, families included. `file` is
    /// as written, before the indices are expanded.
    pub(super) fn index_names(&mut self, file: &File) {
        let is_of_indices = |item: &Item| {
            matches!(item.kind, ItemKind::Table { .. } | ItemKind::Index { .. } | ItemKind::Length { .. })
        };
        let mut seen: BTreeMap<&str, &Item> = BTreeMap::new();
        for item in &file.items {
            for (_, name) in item.declared() {
                let Some(first) = seen.get(name.text.as_str()) else {
                    seen.insert(&name.text, item);
                    if is_of_indices(item) {
                        self.findings.diagnostics.extend(names::refuse_param(&name.text, name.span));
                    }
                    continue;
                };
                // Two indices of one name, and two lengths, have errors of their own.
                let is_alike = std::mem::discriminant(&first.kind) == std::mem::discriminant(&item.kind);
                let is_reported = is_alike && !matches!(item.kind, ItemKind::Table { .. });
                if (is_of_indices(first) || is_of_indices(item)) && !is_reported {
                    let earlier = first.declared().map(|(_, other)| other).find(|other| other.text == name.text);
                    let earlier = earlier.map_or(first.span, |other| other.span);
                    self.findings.push(messages::defined_twice(&name.text, name.span, earlier));
                }
            }
        }
    }

    /// Parameters, variables and networks share one space of names; presets have their own.
    fn unique_names(&mut self, file: &File) {
        let (mut seen, mut presets) = (BTreeMap::new(), BTreeMap::new());
        for item in &file.items {
            let (names, seen): (Vec<&Name>, _) = match &item.kind {
                ItemKind::Param(setting) => (vec![&setting.name], &mut seen),
                ItemKind::Variables { names, .. } => (names.iter().collect(), &mut seen),
                ItemKind::Net { name, .. } | ItemKind::Let { name, .. } | ItemKind::Flow { name, .. } => {
                    (vec![name], &mut seen)
                }
                ItemKind::Preset { name, .. } => (vec![name], &mut presets),
                // Compared with all other names before the indices are expanded.
                ItemKind::Table { .. } | ItemKind::Index { .. } | ItemKind::Length { .. } => continue,
                ItemKind::Model(_)
                | ItemKind::Checkpoint { .. }
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

    fn declare_variables(&mut self, item: &Item, role: Role, names: &[Name], space: &ast::Space) {
        let Some(entry) = self.space_entry(space) else { return };
        let Some((dims, shape)) = self.sizes(entry, space) else { return };
        for name in names {
            let variable = Variable {
                name: name.text.clone(),
                docs: docs(item),
                role,
                space: entry.space,
                dims: dims.clone(),
                shape: shape.clone(),
                step: self.step_of(&name.text),
                since: VariableId(0),
                span: name.span,
            };
            self.variable_is(variable, space.span);
        }
    }

    /// Adds a variable with the place of its space. If several variables have one name, the first is used.
    fn variable_is(&mut self, mut variable: Variable, space: Span) -> VariableId {
        let id = VariableId(self.variables.len());
        let before = self.variables.last().and_then(|last| Some((member(&last.name)?, last.since)));
        variable.since = match (before, member(&variable.name)) {
            (Some(((family, last), since)), Some((own, value)))
                if own == family && last.checked_add(1) == Some(value) =>
            {
                since
            }
            _ => id,
        };
        if let Some((family, value)) = member(&variable.name) {
            self.families.entry(family.to_owned()).or_default().insert(value, id);
        }
        self.variable_ids.entry(variable.name.clone()).or_insert(id);
        self.variables.push(variable);
        self.space_spans.push(space);
        id
    }
}
