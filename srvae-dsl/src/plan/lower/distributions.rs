//! Distributions of factors: heads from networks, mixtures, products of experts, and flows over all of these.

use super::Lowering;
use crate::catalog::Distribution;
use crate::derive::drops_out;
use crate::graph::{Body, Factor, Network, Op, Side, Stage, Use, VariableId};
use crate::plan::call::Call;
use crate::plan::parts::{context_path, flow_path};
use crate::plan::program::{Operation, Rate, ValueId};
use std::collections::BTreeMap;

impl Lowering<'_> {
    /// The distribution of a factor. None for a function.
    pub(super) fn distribution(&mut self, factor: &Factor) -> Option<ValueId> {
        self.distribution_below(factor, 0)
    }

    /// The average of a variable's factor of q over several values of its inputs.
    fn mixture(
        &mut self,
        factor: &Factor,
        values: &[(VariableId, Vec<Network>)],
        components: usize,
    ) -> Option<ValueId> {
        let model = self.model;
        let q = model.q_of(factor.variable)?;
        let mut known = BTreeMap::new();
        for (id, networks) in values {
            let rows = networks.iter().map(|network| self.network(network, &factor.path, &[])).collect();
            let name = format!("{}_components", model.variable(*id).name);
            known.insert(*id, self.value(Operation::Stack, rows, &name));
        }
        // Values (`let`) that read these inputs are different from those of the data.
        let outside = (std::mem::replace(&mut self.known, known), std::mem::take(&mut self.lets));
        self.components = components;
        let of_q = self.distribution(q);
        (self.known, self.lets) = outside;
        let name = format!("{}_{}", factor.side.name(), model.variable(factor.variable).name);
        Some(self.value(Operation::Mixture(components), vec![of_q?], &name))
    }

    /// The distribution of a factor without a number of its outermost flows.
    pub(super) fn distribution_below(&mut self, factor: &Factor, outer: usize) -> Option<ValueId> {
        let before = std::mem::replace(&mut self.step, self.model.variable(factor.variable).step);
        let over = self.read_of_sum(factor);
        let over = std::mem::replace(&mut self.over, over);
        let distribution = self.when_drawn(factor, |lowering| lowering.below(factor, outer));
        (self.step, self.over) = (before, over);
        distribution
    }

    /// What a factor reads when its variable is drawn: of a partly observed variable that q draws later, the observed value.
    fn when_drawn<R>(&mut self, factor: &Factor, work: impl FnOnce(&mut Self) -> R) -> R {
        let later = |id: &VariableId| {
            factor.side == Side::Q && self.model.is_drawn_before(factor.variable, *id) && factor.parents.contains(*id)
        };
        let later = self.partly.iter().filter(|(id, _)| later(id)).map(|(id, own)| (*id, own.or_0));
        let later: Vec<_> = later.collect();
        let after: Vec<_> = later.iter().filter_map(|(id, _)| Some((*id, *self.known.get(id)?))).collect();
        later.into_iter().for_each(|(id, value)| self.know(id, value));
        let result = work(self);
        after.into_iter().for_each(|(id, value)| self.know(id, value));
        result
    }

    fn below(&mut self, factor: &Factor, outer: usize) -> Option<ValueId> {
        if let Body::Mixture { values, components, .. } = &factor.body {
            return self.mixture(factor, values, *components);
        }
        let Body::Stochastic { base, flows, network } = &factor.body else { return None };
        let name = format!("{}_{}", factor.side.name(), self.model.variable(factor.variable).name);
        let has_codes = base.entry.atoms && network.is_some();
        let of_base = match (has_codes, flows.is_empty()) {
            (true, _) => format!("{name}_point"),
            (false, true) => name.clone(),
            (false, false) => format!("{name}_base"),
        };
        let mut distribution = self.base(factor, base, network.as_ref(), &of_base)?;
        if has_codes {
            let prior = self.parts.find(&self.model.p_of(factor.variable)?.path)?;
            let codebook = self.value(Operation::Root(prior), Vec::new(), &format!("{name}_codes"));
            distribution = self.value(Operation::Quantise, vec![distribution, codebook], &name);
        }
        for (at, stage) in flows.iter().enumerate().take(flows.len() - outer) {
            let of_stage =
                if at + 1 == flows.len() { name.clone() } else { format!("{name}_{}", stage.flow.entry.name) };
            distribution = self.flowed(factor, (at, stage), distribution, &of_stage)?;
        }
        Some(distribution)
    }

    /// The base distribution of a factor's flows.
    fn base(
        &mut self,
        factor: &Factor,
        base: &Use<Distribution>,
        network: Option<&Network>,
        name: &str,
    ) -> Option<ValueId> {
        Some(match network {
            Some(network) if network.components().is_some() => {
                let (mut inputs, mut presences) = (Vec::new(), Vec::new());
                for (component, has) in self.components(factor) {
                    inputs.push(component);
                    presences.push(has.len());
                    inputs.extend(has);
                }
                self.value(Operation::OneOf(presences), inputs, name)
            }
            Some(network) if network.experts().is_some() => self.experts(base, network, factor, name),
            Some(network) => {
                let head = self.network(network, &factor.path, &[]);
                let head = self.head(factor.variable, head);
                self.value(Operation::Head { call: of(base), given: network.given }, vec![head], name)
            }
            None => self.value(Operation::Root(self.parts.find(&factor.path)?), Vec::new(), name),
        })
    }

    /// A distribution under one of a factor's flows, by the flow's position.
    fn flowed(
        &mut self,
        factor: &Factor,
        (at, stage): (usize, &Stage),
        distribution: ValueId,
        name: &str,
    ) -> Option<ValueId> {
        let path = flow_path(self.model, &factor.path, stage, at);
        let part = self.parts.find(&path)?;
        let mut inputs = vec![distribution];
        if let Some(context) = &stage.context {
            let context = self.network(context, &context_path(&path), &[]);
            let context = self.of_records(factor.variable, context);
            let is_constant = |value: ValueId| self.values[value.0].rate == Rate::Constant;
            if is_constant(distribution) && !is_constant(context) {
                let rows = format!("{}_{}_rows", factor.side.name(), self.model.variable(factor.variable).name);
                inputs = vec![self.value(Operation::ExpandLike, vec![distribution, context], &rows)];
            }
            inputs.push(context);
        }
        Some(self.value(Operation::Flow(part), inputs, name))
    }

    /// The product of a factor's experts, without those that read variables which are unknown here.
    fn experts(&mut self, base: &Use<Distribution>, network: &Network, factor: &Factor, name: &str) -> ValueId {
        let roots = network.experts().map_or(0, |(_, roots)| roots);
        let (mut inputs, mut presences, mut given) = (Vec::new(), Vec::new(), Vec::new());
        for expert in self.heads(network, &factor.path, factor.variable) {
            let (&[head], Stated::One(stated)) = (expert.heads.as_slice(), expert.given) else { continue };
            inputs.push(self.head(factor.variable, head));
            presences.push(expert.presences.len());
            inputs.extend(expert.presences);
            given.push(stated);
        }
        self.value(Operation::Experts { call: of(base), presences, given, roots }, inputs, name)
    }

    /// The distributions that a factor is the mean of, each with the presences of what it reads; without those that read what is
    /// not known here.
    pub(super) fn components(&mut self, factor: &Factor) -> Vec<(ValueId, Vec<ValueId>)> {
        let Body::Stochastic { base, network: Some(network), .. } = &factor.body else { return Vec::new() };
        let name = format!("{}_{}", factor.side.name(), self.model.variable(factor.variable).name);
        let mut components = Vec::new();
        let heads = self.when_drawn(factor, |lowering| lowering.heads(network, &factor.path, factor.variable));
        for (at, OneHead { heads, presences, given }) in heads.into_iter().enumerate() {
            let heads = heads.into_iter().map(|head| self.head(factor.variable, head)).collect();
            let operation = match given {
                Stated::One(given) => Operation::Head { call: of(base), given },
                Stated::Product { given, roots } => {
                    Operation::Experts { call: of(base), presences: vec![0; given.len()], given, roots }
                }
            };
            components.push((self.value(operation, heads, &format!("{name}_of_{}", at + 1)), presences));
        }
        components
    }

    /// The heads of several distributions that the network of a variable's factor yields, without those that read what is
    /// not known here.
    fn heads(&mut self, network: &Network, path: &str, own: VariableId) -> Vec<OneHead> {
        let nodes = self.nodes(network, path, &[]);
        let (experts, _) = network.experts().unwrap_or_default();
        let mut all = Vec::with_capacity(experts.len());
        for (expert, given) in experts {
            let node = &network.nodes[expert.0];
            let (heads, given) = match &node.op {
                Op::Experts { given, roots, .. } => {
                    let heads = node.inputs.iter().map(|input| nodes[input.0]).collect::<Option<Vec<_>>>();
                    (heads, Stated::Product { given: given.clone(), roots: *roots })
                }
                _ => (nodes[expert.0].map(|head| vec![head]), Stated::One(given)),
            };
            let Some(of_one) = heads else { continue };
            let read = network.reads_above(expert, &self.model.nets).values;
            let read = read.iter().filter(|id| drops_out(self.model, own, *id));
            let presences = read.filter_map(|id| self.partly.get(&id)).map(|own| own.presence).collect();
            all.push(OneHead { heads: of_one, presences, given });
        }
        all
    }
}

/// One of several distributions.
struct OneHead {
    /// Its head, or those of its experts if it is a product of them.
    heads: Vec<ValueId>,
    /// Of what it reads and a record may lack.
    presences: Vec<ValueId>,
    given: Stated,
}

/// The parameters that the file states by name.
enum Stated {
    One(u32),
    /// Of each expert, and the number of roots beside them.
    Product {
        given: Vec<u32>,
        roots: usize,
    },
}

fn of(base: &Use<Distribution>) -> Call {
    Call::of_one(base.entry.name, base.entry.runtime, base.args.clone())
}
