//! Warnings about variables and networks without influence, and about networks that do more than is meant.

use super::Checker;
use crate::ast::File;
use crate::derive::is_supplied;
use crate::diagnostics::messages;
use crate::graph::{Body, Factor, Op, Role, VariableId, VariableSet, family};
use crate::source::Span;
use std::collections::BTreeSet;

/// The distribution and the last block of a network whose probabilities are read as logits.
fn squashed(factor: &Factor) -> Option<(&'static str, &'static str, Span)> {
    let Body::Stochastic { base, network: Some(network), .. } = &factor.body else { return None };
    let Op::Block { block, .. } = &network.nodes[network.output.0].op else { return None };
    let reads_logits = matches!(base.entry.natural, [natural] if natural.name == "logits") && network.given == 0;
    let is_squashing = matches!(block.entry.name, "softmax" | "sigmoid");
    (reads_logits && is_squashing).then_some((base.entry.name, block.entry.name, network.nodes[network.output.0].span))
}

impl Checker<'_> {
    /// The family of a variable over the length.
    fn sequence(&self, id: VariableId) -> Option<&str> {
        let variable = self.variable(id);
        variable.step.map(|_| family(&variable.name))
    }

    pub(super) fn unused(&mut self, p: &[Factor], q: &[Factor], file: &File) {
        let read: VariableSet = p.iter().chain(q).flat_map(|factor| factor.parents.iter()).collect();
        // Of a sequence the last member may have no later step that reads it.
        let sequences: BTreeSet<&str> = read.iter().filter_map(|id| self.sequence(id)).collect();
        let supplied: VariableSet = q.iter().filter(|it| is_supplied(it)).map(|factor| factor.variable).collect();
        let mut unread = Vec::new();
        for (index, variable) in self.variables.iter().enumerate() {
            let id = VariableId(index);
            let is_read = match variable.role {
                Role::Observed | Role::Partly => true,
                // A latent that only q reads is an auxiliary variable, which makes q more flexible.
                Role::Given if self.params.iter().any(|param| param.name == variable.name) => true,
                // A label from the data set is scored like an observed variable.
                Role::Latent => read.contains(id) || supplied.contains(id),
                Role::Global | Role::Given => read.contains(id),
            };
            let is_read = is_read || self.sequence(id).is_some_and(|name| sequences.contains(name));
            if !is_read {
                unread.push((variable.name.clone(), variable.span));
            }
        }
        for (name, span) in unread {
            self.findings.push(messages::unused_variable(&name, span));
        }
        let unused = self.nets.unused().into_iter().map(|net| (net.is_let(), net.name.clone(), net.span));
        for (is_let, name, span) in unused.collect::<Vec<_>>() {
            let unused = if is_let { messages::unused_let } else { messages::unused_net };
            self.findings.push(unused(&name, span));
        }
        for (name, span) in self.flows.unused() {
            self.findings.push(messages::unused_flow(name, span));
        }
        for (param, _) in self.params.iter().zip(&self.param_used).filter(|(_, used)| !**used) {
            // The length is a variable, too.
            let is_length = self.variables.iter().any(|variable| variable.name == param.name);
            let unused = if is_length { messages::unused_length } else { messages::unused_param };
            self.findings.push(unused(&param.name, param.span));
        }
        for (distribution, block, span) in p.iter().chain(q).filter_map(squashed) {
            self.findings.push(messages::squashed_logits(distribution, block, span));
        }
        for doc in &file.stray_docs {
            self.findings.push(messages::stray_docs(doc.span));
        }
    }
}
