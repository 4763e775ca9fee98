//! `bound KL_z = …`: the terms whose estimator the file may choose, and whether the choice is possible.

use super::Checker;
use crate::ast::{File, ItemKind, Name};
use crate::derive::{Ancestry, Obstacle, obstacle};
use crate::diagnostics::{closest, messages};
use crate::graph::{Body, Estimate, Estimator, Factor, VariableId};
use crate::source::Span;

impl Checker<'_> {
    pub(super) fn estimates(&mut self, file: &File, p: &[Factor], q: &[Factor]) -> Vec<Estimate> {
        let mut estimates: Vec<Estimate> = Vec::new();
        if !file.items.iter().any(|item| matches!(item.kind, ItemKind::Bound { .. })) {
            return estimates;
        }
        let ancestry = Ancestry::of(q);
        for item in &file.items {
            let ItemKind::Bound { term, estimator } = &item.kind else { continue };
            let Some(estimate) = self.estimate(term, estimator, (p, q), &ancestry) else { continue };
            match estimates.iter().find(|other| other.variable == estimate.variable) {
                Some(first) => self.findings.push(messages::bound_twice(&term.text, term.span, first.span)),
                None => estimates.push(estimate),
            }
        }
        estimates
    }

    fn estimate(
        &mut self,
        term: &Name,
        estimator: &Name,
        (p, q): (&[Factor], &[Factor]),
        ancestry: &Ancestry,
    ) -> Option<Estimate> {
        let variable = term.text.strip_prefix("KL_").and_then(|name| self.find_variable(name));
        let factors = variable.and_then(|id| Some((id, of(p, id)?, of(q, id)?)));
        let Some((variable, p, q)) = factors.filter(|(.., q)| matches!(q.body, Body::Stochastic { .. })) else {
            self.unknown_term(term, q);
            return None;
        };
        let estimator = match estimator.text.as_str() {
            "monte_carlo" => Estimator::MonteCarlo,
            "closed_form" => Estimator::ClosedForm,
            other => {
                self.findings.push(messages::unknown_estimator(other, estimator.span));
                return None;
            }
        };
        if estimator == Estimator::ClosedForm
            && let Some(obstacle) = obstacle(q, p, ancestry)
        {
            let (reason, place) = self.why_not(obstacle);
            self.findings.push(messages::no_closed_form(&term.text, term.span, &reason, place));
            return None;
        }
        Some(Estimate { variable, estimator, span: term.span })
    }

    /// Why there is no closed form, and the place of the obstacle.
    fn why_not(&self, obstacle: Obstacle<'_>) -> (String, Span) {
        match obstacle {
            Obstacle::Deterministic(factor) => ("deterministic".to_owned(), factor.span),
            Obstacle::Flow(_, flow) => (format!("it has the flow `{}`", flow.flow.entry.name), flow.flow.span),
            Obstacle::Pair(q, p) => (format!("KL({} ‖ {}) has none", q.entry.name, p.entry.name), q.span),
            Obstacle::Mixture(factor) => (format!("{} is a mixture", factor.side.name()), factor.span),
            Obstacle::Past(p) => ("p draws position after position".to_owned(), p.span),
            Obstacle::Root(q) => ("q has no parents".to_owned(), q.span),
            Obstacle::DrawnAfter(p, parent) => {
                let (parent, own) = (&self.variable(parent).name, &self.variable(p.variable).name);
                (format!("this reads `{parent}`, which q draws from `{own}`"), p.span)
            }
        }
    }

    fn unknown_term(&mut self, term: &Name, q: &[Factor]) {
        let stochastic = q.iter().filter(|factor| matches!(factor.body, Body::Stochastic { .. }));
        let known: Vec<_> = stochastic.map(|factor| format!("KL_{}", self.variable(factor.variable).name)).collect();
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        // After an error in a factor its term is unknown, and that error is enough.
        if !self.findings.has_errors() || closest(&term.text, known.iter().copied()).is_some() {
            self.findings.push(messages::unknown_term(&term.text, term.span, known));
        }
    }
}

fn of(factors: &[Factor], id: VariableId) -> Option<&Factor> {
    factors.iter().find(|factor| factor.variable == id)
}
