//! The terms of the bound, and the additional terms of the training objective.

use super::Lowering;
use crate::catalog::{self, Space};
use crate::check::RECORDS;
use crate::derive::{Presence, Term, TermKind, common_flows, is_dequantised};
use crate::graph::{self, DrawMethod, Estimator, Number, ParamId, Side, VariableId};
use crate::plan::call::Call;
use crate::plan::names::term_field;
use crate::plan::program::{Operation, Rate, Score, ValueId};

impl Lowering<'_> {
    /// The terms of the bound, `[K, B]` each.
    pub(super) fn terms(&mut self, terms: &[Term]) -> Vec<ValueId> {
        if self.enumerated.is_empty() {
            let each = terms.iter().map(|term| {
                let nats = self.nats(term);
                let nats = self.with_samples(nats);
                self.value(Operation::PerSample, vec![nats], &term_field(&term.name))
            });
            return each.collect();
        }
        let nats: Vec<ValueId> = terms.iter().map(|term| self.nats(term)).collect();
        let groups: Vec<ValueId> =
            (0..self.model.enumerated.groups().len()).filter_map(|group| self.log_weights(group)).collect();
        // The terms that are sums over the values of each group.
        let mut sums: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
        let mut each = Vec::with_capacity(terms.len());
        for (at, (term, own)) in terms.iter().zip(&nats).enumerate() {
            let group = self.model.enumerated.group_of(term.variable).filter(|group| *group < groups.len());
            let value = match group.filter(|_| self.values[own.0].rate == Rate::Value) {
                Some(group) => {
                    sums[group].push(at);
                    let name = format!("mean_{}", term_field(&term.name));
                    self.value(Operation::Expect, vec![groups[group], *own], &name)
                }
                None => self.with_samples(*own),
            };
            each.push(self.value(Operation::PerSample, vec![value], &term_field(&term.name)));
        }
        for (weights, sums) in groups.into_iter().zip(sums) {
            self.gain(weights, sums.into_iter().map(|at| (&terms[at], nats[at])).collect());
        }
        each
    }

    /// Log-probabilities of the values of a group of enumerated variables.
    fn log_weights(&mut self, group: usize) -> Option<ValueId> {
        let group = &self.model.enumerated.groups()[group];
        let mut each = Vec::with_capacity(group.len());
        for id in group.iter().copied() {
            if let Some(q) = self.model.q_of(id).filter(|q| q.components().is_some()) {
                each.extend(self.shares(q));
                continue;
            }
            let Some(log_q) = self.log_prob_of(Side::Q, id) else { continue };
            each.push(match self.partly.get(&id) {
                Some(own) => {
                    let inputs = vec![own.presence, own.value, self.known[&id], log_q];
                    self.value(Operation::Known, inputs, &format!("log_weights_{}", self.model.variable(id).name))
                }
                None => log_q,
            });
        }
        match each.as_slice() {
            [] => None,
            [one] => Some(*one),
            _ => Some(self.value(Operation::Total, each, "log_weights")),
        }
    }

    /// The gain of importance weights from the sum over the values of a group, which the terms' means do not have.
    fn gain(&mut self, weights: ValueId, terms: Vec<(&Term, ValueId)>) {
        if terms.is_empty() {
            return;
        }
        let signs = terms.iter().map(|(term, _)| term.kind == TermKind::Reconstruction).collect();
        let inputs = std::iter::once(weights).chain(terms.into_iter().map(|(_, nats)| nats)).collect();
        let gain = self.value(Operation::Gain(signs), inputs, "gain");
        let gain = self.value(Operation::PerSample, vec![gain], "gains");
        self.gains.push(gain);
    }

    /// Log-probabilities of draws with the score gradient.
    pub(super) fn scores(&mut self) {
        let model = self.model;
        for draw in model.draws.iter().filter(|draw| draw.method == DrawMethod::Score) {
            let (id, variable) = (draw.variable, model.variable(draw.variable));
            let Some(log_q) = self.log_prob_of(Side::Q, id) else { continue };
            let log_q = self.of_draw(id, log_q, "score");
            let baseline = draw.baseline.and_then(|baseline| self.baseline(baseline, variable.step));
            let baseline = baseline.map(|value| {
                let value = self.with_samples(value);
                let numbers = self.value(Operation::Squeeze, vec![value], &format!("baseline_of_{}", variable.name));
                self.of_draw(id, numbers, "baseline")
            });
            self.scores.push(Score { log_q, baseline });
        }
    }

    /// One number per row of a draw with the score gradient, `[K, B]`: 0 where the variable is observed, and beyond the end
    /// of a record.
    fn of_draw(&mut self, id: VariableId, numbers: ValueId, what: &str) -> ValueId {
        let variable = self.model.variable(id);
        let numbers = self.only(id, Presence::Missing, numbers);
        let numbers = self.within_record(id, numbers);
        self.value(Operation::PerSample, vec![numbers], &format!("{what}_{}", variable.name))
    }

    /// A step beyond the end of a record adds nothing.
    pub(super) fn within_record(&mut self, id: VariableId, nats: ValueId) -> ValueId {
        let variable = self.model.variable(id);
        match (variable.step, self.model.length.and_then(|id| self.known.get(&id).copied())) {
            (Some(step), Some(steps)) => {
                self.value(Operation::Mask(step), vec![nats, steps], &format!("masked_{}", variable.name))
            }
            _ => nats,
        }
    }

    /// Additional terms of the training objective.
    pub(super) fn addends(&mut self) {
        for addend in &self.model.addends {
            let Some(log) = self.log_prob_of(addend.side, addend.variable) else { continue };
            let log = match addend.condition {
                Some(id) => self.only(id, Presence::There, log),
                None => log,
            };
            let log = self.within_record(addend.variable, log);
            let name = format!("added_{}_{}", addend.side.name(), self.model.variable(addend.variable).name);
            let group = self.model.enumerated.group_of(addend.variable);
            let each = match (self.values[log.0].rate, group.and_then(|group| self.log_weights(group))) {
                (Rate::Value, Some(weights)) => self.value(Operation::Expect, vec![weights, log], &name),
                _ => self.with_samples(log),
            };
            let each = self.value(Operation::PerSample, vec![each], &name);
            self.addends.push(each);
        }
    }

    /// A tensor for the records that have a partly observed variable, or lack it. Unchanged for another variable.
    pub(super) fn only(&mut self, id: VariableId, presence: Presence, numbers: ValueId) -> ValueId {
        match self.partly.get(&id).copied() {
            Some(own) => {
                let name = format!("{}_where", self.values[numbers.0].name);
                self.value(Operation::Where(presence), vec![own.presence, numbers], &name)
            }
            None => numbers,
        }
    }

    /// ln p or ln q of a variable's value.
    fn log_prob_of(&mut self, side: Side, variable: VariableId) -> Option<ValueId> {
        let factor = self.model.factor(side, variable)?;
        let distribution = self.distribution(factor)?;
        Some(self.log_prob(side, variable, distribution))
    }

    fn log_prob(&mut self, side: Side, variable: VariableId, distribution: ValueId) -> ValueId {
        if let (Side::Q, Some(scored)) = (side, self.scored.get(&variable)) {
            return *scored;
        }
        let name = format!("log_{}_{}", side.name(), self.model.variable(variable).name);
        let value = self.of_its_space(variable);
        self.value(Operation::LogProb, vec![distribution, value], &name)
    }

    /// A variable's value, at which its density is finite: 1/2 in records that lack it, where 0 is outside of its space. A
    /// density that is infinite there would have no gradient, although the record has no such term.
    fn of_its_space(&mut self, variable: VariableId) -> ValueId {
        let (model, value) = (self.model, self.known[&variable]);
        let of = model.variable(variable);
        let excludes_0 = matches!(of.space, Space::Positive | Space::Unit | Space::Simplex | Space::Sphere);
        let (Some(own), true) = (self.where_lacked(variable), excludes_0) else { return value };

        let (Some(filled), Some(channels), Some(size)) =
            (catalog::block("filled"), of.dims.first(), of.shape.first().and_then(|size| i64::try_from(*size).ok()))
        else {
            return value;
        };
        let half = graph::Value::Real(0.5);
        let arguments = vec![
            graph::Argument { name: "value", number: Number::Literal(half.clone()), value: half },
            graph::Argument { name: "channels", number: channels.clone(), value: graph::Value::Int(size) },
        ];
        let call = Call::of_one(filled.name, filled.runtime, arguments);
        let halves = self.value(Operation::Function(call), vec![own.value], &format!("{}_halves", of.name));
        self.value(Operation::Choose, vec![own.presence, own.value, halves], &format!("{}_or_half", of.name))
    }

    /// A term of the bound, one number per row, and 0 for records for which it does not count.
    fn nats(&mut self, term: &Term) -> ValueId {
        let nats = self.every(term);
        if term.shared {
            return self.share(nats);
        }
        match term.presence {
            Some(presence) => self.only(term.variable, presence, nats),
            None => nats,
        }
    }

    /// A record's share of a term that occurs once for all records.
    fn share(&mut self, nats: ValueId) -> ValueId {
        let params = &self.model.params;
        let records = params.iter().position(|param| param.name == RECORDS);
        let (Some(affine), Some(at)) = (catalog::block("affine"), records) else { return nats };
        let share = match params[at].value {
            graph::Value::Int(records) => 1.0 / records as f64,
            _ => return nats,
        };
        let literal = |value| Number::Literal(graph::Value::Real(value));
        let scale =
            Number::Binary(graph::Operator::Divide, Box::new(literal(1.0)), Box::new(Number::Param(ParamId(at))));
        let numbers = [("scale", scale, share), ("shift", literal(0.0), 0.0)];
        let arguments = numbers.into_iter().map(|(name, number, value)| {
            let value = graph::Value::Real(value);
            graph::Argument { name, number, value }
        });
        let call = Call::of_one(affine.name, affine.runtime, arguments.collect());
        let name = format!("{}_a_record", self.values[nats.0].name);
        self.value(Operation::Function(call), vec![nats], &name)
    }

    /// A term of the bound for every record.
    fn every(&mut self, term: &Term) -> ValueId {
        let model = self.model;
        let variable = term.variable;
        if let (TermKind::Reconstruction, Some(log)) = (&term.kind, self.of_sum.get(&variable)) {
            return *log;
        }
        let own = &model.variable(variable).name;
        let value = self.known[&variable];
        let common = match (&term.kind, model.q_of(variable), model.p_of(variable)) {
            (TermKind::Kl { estimator: Estimator::ClosedForm, .. }, Some(q), Some(p)) => common_flows(q, p),
            _ => 0,
        };
        let density = |lowering: &mut Self, side: Side| {
            let factor = model.factor(side, variable);
            factor.and_then(|factor| lowering.distribution_below(factor, common)).unwrap_or(value)
        };
        let p = density(self, Side::P);
        let nats = match &term.kind {
            TermKind::Reconstruction if model.p_of(variable).is_some_and(is_dequantised) => {
                let within = self.value(Operation::Dequantise(variable), vec![value], &format!("{own}_within"));
                self.value(Operation::LogProb, vec![p, within], &format!("log_p_{own}"))
            }
            TermKind::Reconstruction => self.log_prob(Side::P, variable, p),
            TermKind::Kl { estimator, .. } => {
                let q = density(self, Side::Q);
                match estimator {
                    Estimator::ClosedForm => {
                        let value = self.inner.get(&variable).copied().unwrap_or(value);
                        self.value(Operation::Divergence, vec![q, p, value], &format!("divergence_{own}"))
                    }
                    Estimator::MonteCarlo => {
                        let log_q = self.log_prob(Side::Q, variable, q);
                        let log_p = match self.of_sum.get(&variable) {
                            Some(log_p) => *log_p,
                            None => self.log_prob(Side::P, variable, p),
                        };
                        self.value(Operation::LogRatio, vec![log_q, log_p], &format!("log_ratio_{own}"))
                    }
                }
            }
        };
        self.within_record(variable, nats)
    }
}
