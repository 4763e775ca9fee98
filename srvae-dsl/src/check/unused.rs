//! Warnings: what has no influence.

use super::Checker;
use crate::ast::File;
use crate::diagnostics::messages;
use crate::graph::{Factor, Role, VariableId};
use std::collections::BTreeSet;

impl Checker<'_> {
    pub(super) fn unused(&mut self, p: &[Factor], file: &File) {
        let read: BTreeSet<VariableId> = p.iter().flat_map(|factor| factor.parents.iter().copied()).collect();
        for (index, variable) in self.variables.iter().enumerate() {
            if variable.role != Role::Observed && !read.contains(&VariableId(index)) {
                self.findings.push(messages::unused_variable(&variable.name, variable.span, "p"));
            }
        }
        for net in self.nets.unused() {
            self.findings.push(messages::unused_net(&net.name, net.span));
        }
        for (param, _) in self.params.iter().zip(&self.param_used).filter(|(_, used)| !**used) {
            self.findings.push(messages::unused_param(&param.name, param.span));
        }
        for span in &file.stray_docs {
            self.findings.push(messages::stray_docs(*span));
        }
    }
}
