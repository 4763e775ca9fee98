//! Sums over latents that q does not draw: factors join tables in the order of [`Sum`](crate::graph::Sum).

use super::Lowering;
use crate::catalog::{self, Space};
use crate::derive::{Presence, is_dequantised, joining};
use crate::graph::{Factor, Side, VariableId};
use crate::plan::call::Call;
use crate::plan::program::{How, Operation, Rate, ValueId};
use std::collections::BTreeMap;

/// A table from which a variable is summed out.
pub(super) struct Table {
    variable: VariableId,
    over: Vec<VariableId>,
    table: ValueId,
}

impl Lowering<'_> {
    /// All values of the variables that are summed out. In a mode, those that are given keep their values.
    pub(super) fn every_value(&mut self) {
        let model = self.model;
        let like = self.given.first().and_then(|id| self.known.get(id)).copied();
        let Some(like) = like.filter(|_| !model.sum.is_empty()) else { return };
        let like = self.for_samples(like);
        for id in model.sum.variables() {
            if self.known.contains_key(&id) && !self.partly.contains_key(&id) {
                continue;
            }
            let value = self.value(Operation::Values(id), vec![like], &model.variable(id).name);
            self.know(id, value);
            self.summed.insert(id);
        }
    }

    /// Joins the factors of the sum. Of each variable that is not summed out, keeps ln p given those that joined before.
    /// Returns the tables from which the others are summed out, in this order.
    pub(super) fn join(&mut self) -> Vec<Table> {
        let model = self.model;
        let (mut open, mut all): (Vec<(Vec<VariableId>, ValueId)>, Vec<Table>) = (Vec::new(), Vec::new());
        let joining = joining(model, |id| self.known.contains_key(&id) && !self.summed.contains(&id));
        let joining: BTreeMap<VariableId, &Factor> =
            joining.into_iter().map(|(turn, factor)| (turn.variable, factor)).collect();
        for turn in &model.sum.turns {
            let name = &model.variable(turn.variable).name;
            // A factor that adds nothing may be the last one that reads a variable.
            let (factor, out) = (joining.get(&turn.variable), self.of_summed(&turn.out));
            if factor.is_none() && out.is_empty() {
                continue;
            }
            let mut own = factor.and_then(|factor| self.of_turn(factor));
            let is_known = own.is_some();
            let is_touched = |(over, _): &(Vec<VariableId>, ValueId)| over.iter().any(|id| turn.over.contains(id));
            let (touched, others) = open.into_iter().partition(is_touched);
            open = others;
            for (_, other) in touched {
                own = Some(match own {
                    Some(own) => self.value(Operation::Joined, vec![other, own], &format!("joint_{name}")),
                    None => other,
                });
            }
            let Some(mut table) = own else { continue };
            let mut over = self.of_summed(&turn.over);
            if is_known && (!self.summed.contains(&turn.variable) || self.partly.contains_key(&turn.variable)) {
                let out = Operation::SumOut { over: over.clone(), kept: Vec::new() };
                let log = self.value(out, vec![table], &format!("log_p_{name}"));
                // Where it is missing, its probabilities add up to 1.
                let term =
                    if self.summed.contains(&turn.variable) { self.within_record(turn.variable, log) } else { log };
                self.of_sum.insert(turn.variable, term);
                table = self.value(Operation::LogRatio, vec![table, log], &format!("posterior_{name}"));
            }
            for id in out {
                all.push(Table { variable: id, over: over.clone(), table });
                let kept: Vec<VariableId> = over.iter().copied().filter(|other| *other != id).collect();
                if !kept.is_empty() {
                    let name = format!("without_{}", model.variable(id).name);
                    table = self.value(Operation::SumOut { over, kept: kept.clone() }, vec![table], &name);
                }
                over = kept;
            }
            if !over.is_empty() {
                open.push((over, table));
            }
        }
        all
    }

    /// Those of some variables whose values are summed over.
    fn of_summed(&self, all: &[VariableId]) -> Vec<VariableId> {
        all.iter().copied().filter(|id| self.summed.contains(id)).collect()
    }

    /// ln p of a variable for the values of those that are summed out, and of its own values if it is one of them. 0 in
    /// records that lack it or end before it.
    fn of_turn(&mut self, factor: &Factor) -> Option<ValueId> {
        let (model, variable) = (self.model, factor.variable);
        let own = &model.variable(variable).name;
        let (distribution, value) = (self.distribution(factor)?, *self.known.get(&variable)?);
        if self.summed.contains(&variable) {
            let distribution = self.with_samples(distribution);
            let over = self.scopes.get(&distribution).cloned().unwrap_or_default();
            let is_table = self.values[distribution.0].rate != Rate::Constant && !over.contains(&variable);
            let operation = if is_table { Operation::Table { of: variable, over } } else { Operation::LogProb };
            let table = self.value(operation, vec![distribution, value], &format!("table_{own}"));
            return Some(match self.where_it_is(variable) {
                Some(certain) => self.value(Operation::Joined, vec![table, certain], &format!("table_{own}_seen")),
                None => table,
            });
        }
        let name = format!("logs_{own}");
        let log = match is_dequantised(factor) {
            true => {
                let within = self.value(Operation::Dequantise(variable), vec![value], &format!("{own}_within"));
                self.value(Operation::LogProb, vec![distribution, within], &name)
            }
            false => self.value(Operation::LogProb, vec![distribution, value], &name),
        };
        let log = match self.where_lacked(variable) {
            Some(_) => self.only(variable, Presence::There, log),
            None => log,
        };
        Some(self.within_record(variable, log))
    }

    /// For a variable that is summed out where it is missing: which of its values agree with the observed one. Within the
    /// steps of a record.
    fn where_it_is(&mut self, variable: VariableId) -> Option<ValueId> {
        let every = self.known[&variable];
        let own = *self.partly.get(&variable)?;
        let name = format!("where_{}", self.model.variable(variable).name);
        let certain = self.value(Operation::Observed, vec![own.presence, own.value, every], &name);
        Some(self.within_record(variable, certain))
    }

    /// Draws the variables that are summed out from their posterior, the last one of the sum first.
    pub(super) fn drawn_from_sum(&mut self, variable: VariableId) {
        let model = self.model;
        let categorical = catalog::distribution("categorical");
        let is_drawn = self.known.contains_key(&variable) && self.where_lacked(variable).is_none();
        let Some(categorical) = categorical.filter(|_| !is_drawn) else { return };
        self.every_value();
        // Of each variable the number of its value, one-hot, and the value.
        let mut drawn: BTreeMap<VariableId, (ValueId, ValueId)> = BTreeMap::new();
        for Table { variable, over, table } in self.join().into_iter().rev() {
            let (own, space) = (&model.variable(variable).name, model.variable(variable).space);
            let others = over.iter().filter(|id| **id != variable).filter_map(|id| Some(drawn.get(id)?.0));
            let inputs = std::iter::once(table).chain(others).collect();
            let rest = self.value(Operation::Rest { over, of: variable }, inputs, &format!("weights_{own}"));
            let call = Call::of_one(categorical.name, categorical.runtime, Vec::new());
            let head = Operation::Head { call, given: 0 };
            let posterior = self.value(head, vec![rest], &format!("{}_{own}", Side::Q.name()));
            let is_label = space == Space::Label;
            let name = if is_label { own.clone() } else { format!("number_{own}") };
            let number = self.value(Operation::Draw(variable, How::Decoded), vec![posterior], &name);
            let value = if is_label { number } else { self.value(Operation::ValueOf(variable), vec![number], own) };
            drawn.insert(variable, (number, value));
        }
        drawn.into_iter().for_each(|(id, (_, value))| self.know(id, value));
    }

    /// The variables that are summed out on whose values the result of an operation depends, in the order in which they
    /// join. A distribution has the values of all that its factor reads.
    pub(super) fn scope(&self, operation: &Operation, inputs: &[ValueId]) -> Vec<VariableId> {
        match operation {
            Operation::Values(id) => return vec![*id],
            Operation::Widen { to, .. } => return to.clone(),
            Operation::Table { of, over } => return over.iter().chain([of]).copied().collect(),
            Operation::SumOut { kept, .. } => return kept.clone(),
            Operation::Rest { .. } => return Vec::new(),
            _ => {}
        }
        let read = || inputs.iter().filter_map(|input| self.scopes.get(input));
        if read().next().is_none() {
            return Vec::new();
        }
        let of_factor = if operation.makes_distribution() { self.over.as_slice() } else { &[] };
        let mut all: Vec<VariableId> = read().flatten().chain(of_factor).copied().collect();
        all.sort_by_key(|id| self.model.sum.place(*id));
        all.dedup();
        all
    }

    /// The variables that are summed out and that a factor reads, in the order in which they join.
    pub(super) fn read_of_sum(&self, factor: &Factor) -> Vec<VariableId> {
        let sum = &self.model.sum;
        if sum.is_empty() {
            return Vec::new();
        }
        let own = Some(factor.variable).filter(|_| factor.is_autoregressive());
        let mut all: Vec<VariableId> = factor.parents.iter().chain(own).filter(|id| self.summed.contains(id)).collect();
        all.sort_by_key(|id| sum.place(*id));
        all
    }

    /// A value for all combinations of these variables' values.
    pub(super) fn widened(&mut self, value: ValueId, scope: &[VariableId]) -> ValueId {
        let from = self.scopes.get(&value).cloned().unwrap_or_default();
        if from == scope {
            return value;
        }
        let name = format!("{}_values", self.values[value.0].name);
        self.value(Operation::Widen { from, to: scope.to_vec() }, vec![value], &name)
    }
}
