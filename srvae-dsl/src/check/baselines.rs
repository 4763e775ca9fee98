//! Learned baselines: `draw z = score(baseline: b)`, where b is a value (`let`) of one number per record.
//!
//! The gradient stays unbiased if b does not depend on z. The baseline is fitted to the gain by least squares, and this fit
//! must not train the model, so b has parameters of its own. What it reads of the model has no gradient there.

use super::Checker;
use crate::ast::{Call, Expression, Name};
use crate::catalog::show_shape;
use crate::derive::Ancestry;
use crate::diagnostics::messages;
use crate::graph::{Draw, DrawMethod, Factor, NetId, Network, reached};

/// The method without its argument `baseline`, and the value of this argument.
pub(super) fn split(method: &Call) -> (Call, Option<Expression>) {
    let mut rest = method.clone();
    let mut baseline = None;
    if method.name.text == "score"
        && let Some(arguments) = &mut rest.arguments
    {
        let is_baseline = |name: &Name| name.text == "baseline";
        let at = arguments.iter().position(|argument| argument.name.as_ref().is_none_or(is_baseline));
        baseline = at.map(|at| arguments.remove(at).value);
    }
    (rest, baseline)
}

impl Checker<'_> {
    /// The value that a statement names as the baseline of a variable.
    pub(super) fn baseline(&mut self, value: &Expression, variable: &Name) -> Option<NetId> {
        let name = value.as_call().filter(|call| call.arguments.is_none()).map(|call| &call.name);
        let index = name.and_then(|name| self.nets.find(&name.text));
        let Some(index) = index.filter(|index| self.nets.declared[*index].is_let()) else {
            self.findings.push(messages::baseline_is_no_value(&variable.text, value.span));
            return None;
        };
        let id = self.use_net(index, Vec::new(), value.span)?;
        let net = &self.nets.done[id.0];
        if net.output != [1] {
            let error = messages::baseline_shape(&net.name, &show_shape(&net.output), value.span, net.span);
            self.findings.push(error);
            return None;
        }
        Some(id)
    }

    /// Baselines that would bias the gradient, or whose fit would train the model.
    pub(super) fn unsound_baselines(&mut self, draws: &[Draw], p: &[Factor], q: &[Factor]) {
        if draws.iter().all(|draw| draw.baseline.is_none()) {
            return;
        }
        let ancestry = Ancestry::of(q);
        let is_summed = |draw: &&Draw| matches!(draw.method, DrawMethod::Enumerate { .. });
        let summed = draws.iter().filter(is_summed).map(|draw| draw.variable);
        let mixed = q.iter().filter(|factor| factor.components().is_some()).map(|factor| factor.variable);
        let summed: Vec<_> = summed.chain(mixed).collect();
        let of_factors = p.iter().chain(q).flat_map(Factor::networks).flat_map(Network::uses);
        let of_factors = reached(&self.nets.done, of_factors, |_| false);
        let mut errors = Vec::new();
        for (draw, id) in draws.iter().filter_map(|draw| Some((draw, draw.baseline?))) {
            let (net, name) = (&self.nets.done[id.0], &self.variable(draw.variable).name);
            let is_of = |of, id| of == id || ancestry.is_drawn_after(of, id);
            let depends = net.reads.values.iter().find(|id| is_of(draw.variable, *id));
            let is_summed = |id| summed.iter().any(|of| is_of(*of, id));
            // A value of the model is read without its gradient, so what it uses is not shared.
            let is_value = |other: NetId| other != id && self.nets.done[other.0].is_let && of_factors.contains(&other);
            let used = reached(&self.nets.done, [id], is_value);
            let is_shared = |other: &&NetId| of_factors.contains(other) && !is_value(**other);
            if let Some(read) = depends {
                let read = &self.variable(read).name;
                errors.push(messages::baseline_depends(&net.name, name, read, draw.span, net.span));
            } else if let Some(read) = net.reads.values.iter().find(|id| is_summed(*id)) {
                errors.push(messages::baseline_of_values(&net.name, &self.variable(read).name, draw.span, net.span));
            } else if let Some(other) = used.iter().find(is_shared) {
                let other = &self.nets.done[other.0];
                errors.push(messages::baseline_shares(&net.name, &other.name, draw.span, other.span));
            }
        }
        errors.into_iter().for_each(|error| self.findings.push(error));
    }
}
