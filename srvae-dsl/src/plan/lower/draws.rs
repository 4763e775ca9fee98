//! Values of variables: drawn, computed, enumerated, or given.

use super::{Lowering, Own};
use crate::derive::{Term, TermKind, common_flows};
use crate::graph::{Body, Estimator, Factor, Role, Side, VariableId};
use crate::plan::call::Call;
use crate::plan::parts::flow_path;
use crate::plan::program::{How, Operation, ValueId};

impl Lowering<'_> {
    /// All values of a variable, in place of a draw.
    pub(super) fn enumerate(&mut self, variable: VariableId) {
        let name = &self.model.variable(variable).name;
        // It has a row per record: a partly observed variable that q has drawn has one per sample.
        let own = |id| self.partly.get(id).map(|own| &own.value).or_else(|| self.known.get(id));
        let like = self.given.first().and_then(own).copied();
        let Some((kind, at)) = self.kind(variable) else { return };
        let value = self.value(Operation::Enumerate { kind, at }, like.into_iter().collect(), name);
        self.know(variable, value);
    }

    /// The kind of an enumerated variable's group, and the variable's position in the group. Groups whose variables have the
    /// same values, such as those of the steps of a sequence, are of one kind.
    fn kind(&mut self, variable: VariableId) -> Option<(usize, usize)> {
        let model = self.model;
        let group = &model.enumerated.groups()[model.enumerated.group_of(variable)?];
        let values = |id: &VariableId| {
            let components = model.q_of(*id).and_then(Factor::components);
            (components, model.variable(*id).space, &model.variable(*id).dims)
        };
        let is_same = |other: &Vec<VariableId>| other.iter().map(values).eq(group.iter().map(values));
        let kind = self.enumerated.iter().position(is_same).unwrap_or_else(|| {
            self.enumerated.push(group.clone());
            self.enumerated.len() - 1
        });
        Some((kind, group.iter().position(|id| *id == variable)?))
    }

    /// A variable whose factor of q is a mixture of experts: a draw from each component. The components are enumerated as
    /// the values of an enumerated variable are, and together with those of the other variables of the group.
    pub(super) fn strata(&mut self, q: &Factor) {
        let name = &self.model.variable(q.variable).name;
        let mut drawn = Vec::new();
        for (at, (component, _)) in self.components(q).into_iter().enumerate() {
            let component = self.for_rows(q.variable, component);
            let name = format!("{name}_of_{}", at + 1);
            drawn.push(self.value(Operation::Draw(q.variable, How::Plain), vec![component], &name));
        }
        let Some((kind, at)) = self.kind(q.variable) else { return };
        let value = self.value(Operation::Strata { kind, at }, drawn, name);
        self.know(q.variable, value);
    }

    /// The logarithms of the components' weights in the average over their draws.
    pub(super) fn shares(&mut self, q: &Factor) -> Option<ValueId> {
        let (_, at) = self.kind(q.variable)?;
        let (mut inputs, mut presences) = (vec![*self.known.get(&q.variable)?], Vec::new());
        for (_, has) in self.components(q) {
            presences.push(has.len());
            for presence in has {
                inputs.push(self.with_samples(presence));
            }
        }
        let name = format!("log_shares_{}", self.model.variable(q.variable).name);
        Some(self.value(Operation::Shares { at, presences }, inputs, &name))
    }

    /// The variable of a factor, drawn or computed. `how` gives the way of drawing; its argument says whether the
    /// factor is a likelihood.
    pub(super) fn step(&mut self, factor: &Factor, how: impl Fn(bool) -> How) {
        let name = &self.model.variable(factor.variable).name;
        let value = match &factor.body {
            Body::Deterministic { function, input } => {
                let call = Call::of_one(function.entry.name, function.entry.runtime, function.args.clone());
                let input = self.variable(*input);
                self.value(Operation::Function(call), input, name)
            }
            Body::Mixture { .. } => {
                let Some(distribution) = self.distribution(factor) else { return };
                let distribution = self.for_samples(distribution);
                self.value(Operation::Draw(factor.variable, how(false)), vec![distribution], name)
            }
            Body::Stochastic { base, network, .. } => {
                let partial = factor.is_autoregressive().then(|| {
                    let name = format!("{name}_so_far");
                    self.value(Operation::Partial(factor.variable), Vec::new(), &name)
                });
                self.partial = partial;
                let distribution = self.distribution(factor);
                self.partial = None;
                let Some(distribution) = distribution else { return };
                let is_observed = match self.model.variable(factor.variable).role {
                    Role::Observed => true,
                    Role::Partly => self.model.q_of(factor.variable).is_none(),
                    Role::Latent | Role::Global | Role::Given => false,
                };
                let is_likelihood =
                    network.is_some() && !factor.parents.is_empty() && (!base.entry.continuous || is_observed);
                let distribution = self.for_rows(factor.variable, distribution);
                let how = how(is_likelihood);
                match partial {
                    Some(partial) => {
                        self.value(Operation::InOrder(factor.variable, how), vec![partial, distribution], name)
                    }
                    None => self.value(Operation::Draw(factor.variable, how), vec![distribution], name),
                }
            }
        };
        match factor.side {
            Side::P => self.know(factor.variable, value),
            Side::Q => self.observed_or(factor.variable, value),
        }
    }

    /// A latent drawn from q for the bound. Under flows, the draw is computed together with its log-density, because a
    /// flow may have no inverse. If p has the same outermost flows, the divergence uses the value before them.
    pub(super) fn drawn(&mut self, q: &Factor, terms: &[Term]) {
        let model = self.model;
        let (variable, name) = (q.variable, &model.variable(q.variable).name);
        let is_flowed = matches!(&q.body, Body::Stochastic { flows, .. } if !flows.is_empty());
        let kinds = terms.iter().filter(|term| term.variable == variable).map(|term| &term.kind);
        let term = kinds.into_iter().find(|kind| matches!(kind, TermKind::Kl { .. }));
        let value = match (term, model.p_of(variable)) {
            (Some(TermKind::Kl { estimator: Estimator::ClosedForm, .. }), Some(p)) if is_flowed => {
                let common = common_flows(q, p);
                let Some(base) = self.distribution_below(q, common) else { return };
                let base = self.for_rows(variable, base);
                let inner = self.value(Operation::Draw(variable, How::Plain), vec![base], &format!("{name}_base"));
                self.inner.insert(variable, inner);
                self.pushed(q, common, inner)
            }
            // If the value may come from the data, its density must be computable too.
            _ if is_flowed && !self.partly.contains_key(&variable) => {
                let Some(distribution) = self.distribution(q) else { return };
                let distribution = self.for_rows(variable, distribution);
                let pair = self.value(Operation::Scored(variable), vec![distribution], &format!("drawn_{name}"));
                let log_q = self.value(Operation::LogProbOf, vec![pair], &format!("log_q_{name}"));
                self.scored.insert(variable, log_q);
                self.value(Operation::DrawOf, vec![pair], name)
            }
            _ => return self.step(q, |_| How::Plain),
        };
        self.observed_or(variable, value);
    }

    /// Sets a variable's value from here on: the draw from q, or the observed value of a partly observed variable.
    fn observed_or(&mut self, variable: VariableId, drawn: ValueId) {
        let name = &self.model.variable(variable).name;
        let value = match self.partly.get(&variable) {
            Some(own) => self.value(Operation::Choose, vec![own.presence, own.value, drawn], name),
            None => drawn,
        };
        self.know(variable, value);
    }

    /// Within the given steps of a record, the first draw replaces the second. Without a first draw, `lacked` is what
    /// records have of the variable.
    pub(super) fn keep(&mut self, (before, lacked): (ValueId, Option<Own>), variable: VariableId) {
        let model = self.model;
        let (Some(step), Some(drawn)) = (model.variable(variable).step, self.known.get(&variable).copied()) else {
            return;
        };
        let Some(steps) = model.length.and_then(|id| self.known.get(&id).copied()) else { return };
        let name = &model.variable(variable).name;
        // A given step that the record lacks is drawn.
        let before = match lacked {
            Some(own) => self.value(Operation::Choose, vec![own.presence, own.value, drawn], name),
            None => before,
        };
        let value = self.value(Operation::Within(step), vec![before, drawn, steps], name);
        self.know(variable, value);
    }

    /// For a top level, the first draw replaces the second.
    pub(super) fn keep_level(&mut self, before: ValueId, variable: VariableId, level: Option<usize>) {
        let (Some(level), Some(drawn)) = (level, self.known.get(&variable).copied()) else { return };
        let name = &self.model.variable(variable).name;
        let value = self.value(Operation::Level(level), vec![before, drawn], name);
        self.know(variable, value);
    }

    /// Applies a factor's outermost flows to a value below them.
    fn pushed(&mut self, factor: &Factor, common: usize, mut value: ValueId) -> ValueId {
        let Body::Stochastic { flows, .. } = &factor.body else { return value };
        let (path, own) = (&factor.path, &self.model.variable(factor.variable).name);
        for (at, stage) in flows.iter().enumerate().skip(flows.len() - common) {
            let Some(part) = self.parts.find(&flow_path(self.model, path, stage, at)) else { return value };
            let name = if at + 1 == flows.len() { own.clone() } else { format!("{own}_{}", stage.flow.entry.name) };
            value = self.value(Operation::Push(part), vec![value], &name);
        }
        value
    }

    /// The value of a variable as the only input of an operation.
    fn variable(&self, id: VariableId) -> Vec<ValueId> {
        self.known.get(&id).copied().into_iter().collect()
    }
}
