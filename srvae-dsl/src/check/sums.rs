//! `draw z = enumerate` of a latent, or of a partly observed variable, without a factor of q: it is summed out of p.

use super::Checker;
use super::arguments::Signature;
use crate::ast::{Call, Name};
use crate::catalog::space_entry;
use crate::diagnostics::{MOST_ENTRIES, messages};
use crate::graph::{Addend, Body, Draw, DrawMethod, Estimate, Estimator, Factor, Role, Side, Sum, VariableId};
use std::collections::BTreeMap;

impl Checker<'_> {
    /// The sum over a latent that q does not draw.
    pub(super) fn summed(&mut self, id: VariableId, name: &Name, method: &Call, p: &[Factor]) -> Option<Draw> {
        // After an error in its factor there is none, and that error is enough.
        let factor = p.iter().find(|factor| factor.variable == id).filter(|_| !self.findings.has_errors())?;
        let given = method.arguments.as_deref().unwrap_or_default();
        self.arguments(Signature { name: "enumerate", parameters: &[] }, given, method.name.span)?;
        let (variable, place) = (self.variable(id), method.name.span);
        let space = space_entry(variable.space).name;
        let Some(values) = super::draws::values(variable.space, &variable.shape) else {
            self.findings.push(messages::not_summed(&name.text, space, place));
            return None;
        };
        if !matches!(&factor.body, Body::Stochastic { flows, .. } if flows.is_empty()) {
            self.findings.push(messages::not_summed(&name.text, space, place));
            return None;
        }
        let method = DrawMethod::Enumerate { values };
        Some(Draw { variable: id, method, baseline: None, span: name.span })
    }

    /// The order of the sum over all latents that q does not draw.
    pub(super) fn sum(
        &mut self,
        draws: &[Draw],
        (p, q): (&[Factor], &[Factor]),
        (estimates, addends): (&[Estimate], &[Addend]),
    ) -> Sum {
        let is_of_q = |draw: &Draw| q.iter().any(|factor| factor.variable == draw.variable);
        let values: BTreeMap<VariableId, usize> = draws
            .iter()
            .filter(|draw| !is_of_q(draw))
            .filter_map(|draw| match draw.method {
                DrawMethod::Enumerate { values } => Some((draw.variable, values)),
                _ => None,
            })
            .collect();
        if values.is_empty() {
            return Sum::default();
        }
        for factor in q {
            // An expert that reads a variable drops out in the records that lack it.
            let is_joint =
                factor.networks().any(|network| network.experts().is_some() || network.components().is_some());
            let has_no_value =
                |id: &VariableId| values.contains_key(id) && !(is_joint && self.variable(*id).role == Role::Partly);
            let Some(read) = factor.read.iter().find(has_no_value) else { continue };
            let (own, read) = (&self.variable(factor.variable).name, self.variable(read));
            let is_partly = read.role == Role::Partly;
            self.findings.push(messages::summed_read_by_q(own, factor.span, &read.name, is_partly));
        }
        let first = draws.iter().find(|draw| values.contains_key(&draw.variable));
        let beside = draws.iter().find(|draw| is_of_q(draw) && matches!(draw.method, DrawMethod::Enumerate { .. }));
        let mixture = q.iter().find(|factor| factor.components().is_some());
        let other = beside.map(|draw| (draw.variable, draw.span));
        let other = other.or(mixture.map(|factor| (factor.variable, factor.span)));
        if let (Some(first), Some((other, span))) = (first, other) {
            let (own, other) = (&self.variable(first.variable).name, &self.variable(other).name);
            self.findings.push(messages::summed_beside(own, first.span, other, span));
        }
        let sum = Sum::of(p, values);
        if let Some(turn) = sum.turns.iter().max_by_key(|turn| turn.size).filter(|turn| turn.size > MOST_ENTRIES) {
            let names: Vec<&str> = turn.over.iter().map(|id| self.variable(*id).name.as_str()).collect();
            let factor = p.iter().find(|factor| factor.variable == turn.variable);
            if let (Some(first), Some(factor)) = (first, factor) {
                self.findings.push(messages::sum_too_large(&names, turn.size, first.span, factor.span));
            }
        }
        for estimate in estimates.iter().filter(|estimate| estimate.estimator == Estimator::ClosedForm) {
            let factor = p.iter().find(|factor| factor.variable == estimate.variable);
            if let Some(factor) = factor.filter(|_| sum.turn_of(estimate.variable).is_some()) {
                let term = format!("KL_{}", self.variable(estimate.variable).name);
                let reason = "p is summed over variables that this reads";
                self.findings.push(messages::no_closed_form(&term, estimate.span, reason, factor.span));
            }
        }
        for addend in addends.iter().filter(|addend| addend.side == Side::P) {
            if sum.turn_of(addend.variable).is_some() {
                self.findings.push(messages::summed_addend(&self.variable(addend.variable).name, addend.span));
            }
        }
        sum
    }
}
