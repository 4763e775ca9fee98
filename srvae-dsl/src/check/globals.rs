//! `global w: …`: one value for all records, so its factors must not read variables of a record.

use super::Checker;
use super::declarations::RECORDS;
use crate::catalog::Distribution;
use crate::diagnostics::messages;
use crate::graph::{Body, Factor, Role, Side, Value};

impl Checker<'_> {
    pub(super) fn globals(&mut self, p: &[Factor], q: &[Factor]) {
        let is_global = |id: crate::graph::VariableId| self.variables[id.0].role == Role::Global;
        let mut errors = Vec::new();
        for factor in p.iter().chain(q).filter(|factor| is_global(factor.variable)) {
            let variable = &self.variables[factor.variable.0];
            if let Some(parent) = factor.parents.iter().find(|parent| !is_global(*parent)) {
                let parent = &self.variables[parent.0];
                errors.push(messages::global_reads(&variable.name, &parent.name, factor.span, parent.span));
            }
            let is_able = |base: &Distribution| match factor.side {
                Side::P => base.continuous,
                Side::Q => base.reparameterised,
            };
            let is_drawn = matches!(&factor.body, Body::Stochastic { base, .. } if is_able(base.entry));
            if !is_drawn || variable.step.is_some() {
                let what = if is_drawn {
                    "a step of a length"
                } else {
                    "no draw of a distribution that a gradient passes through"
                };
                errors.push(messages::global_kind(&variable.name, what, factor.span));
            }
        }
        let records = self.params.iter().find(|param| param.name == RECORDS);
        if let Some(records) = records.filter(|_| self.variables.iter().any(|it| it.role == Role::Global))
            && !matches!(records.value, Value::Int(1..))
        {
            errors.push(messages::global_records(&records.value.to_string(), records.span));
        }
        self.findings.diagnostics.extend(errors);
    }
}
