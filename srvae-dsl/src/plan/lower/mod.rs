//! Lowering: from the checked model to programs.

mod distributions;
mod draws;
mod networks;
mod rates;
mod sums;
mod terms;

use super::names::{ARGUMENTS, Names};
use super::parts::Parts;
use super::program::{How, Operation, Output, Program, Score, Value, ValueId};
use super::sweep::finish;
use crate::derive::{Derivation, Mode, Presence, Switch, is_data, is_partly, is_supplied, levels};
use crate::graph::{self, Body, DrawMethod, Factor, Model, NetBody, NetId, Network, Op, Side, VariableId, VariableSet};
use std::collections::{BTreeMap, BTreeSet};

/// The bound: a draw of every latent from q, then every term.
pub fn bound(model: &Model, derivation: &Derivation, parts: &Parts) -> Program {
    let is_given = |id: &VariableId| is_data(model, *id) || is_partly(model, *id);
    let data: Vec<VariableId> = (0..model.variables.len()).map(VariableId).filter(is_given).collect();
    let partly = data.iter().copied().filter(|id| is_partly(model, *id)).collect();
    let mut lowering = Lowering::new(model, parts, data, &partly);
    lowering.shares = true;
    lowering.of_baselines = model.of_baselines();
    // Before the data, because initialisation uses the last batch that passes through a layer.
    for p in model.p.iter().filter(|p| matches!(p.body, Body::Mixture { .. })) {
        lowering.distribution(p);
    }
    for q in model.q.iter().filter(|q| !is_supplied(q)) {
        match model.draw_of(q.variable).map(|draw| &draw.method) {
            Some(DrawMethod::Enumerate { .. }) => lowering.enumerate(q.variable),
            Some(DrawMethod::Relaxed { .. } | DrawMethod::StraightThrough) => lowering.step(q, |_| How::Through),
            None if q.components().is_some() => lowering.strata(q),
            Some(DrawMethod::Score) | None => lowering.drawn(q, &derivation.terms),
        }
    }
    lowering.every_value();
    lowering.join();
    let terms = lowering.terms(&derivation.terms);
    lowering.scores();
    lowering.addends();
    lowering.finish("bound", Output::Terms(terms))
}

/// A mode: variable after variable, in the order of the derivation.
pub fn mode(model: &Model, mode: &Mode, parts: &Parts) -> Program {
    let mut lowering = Lowering::new(model, parts, mode.given.clone(), &mode.partly);
    let levels = levels(model);
    for step in &mode.steps {
        if step.side == Side::Q && model.sum.contains(step.variable) {
            lowering.drawn_from_sum(step.variable);
            continue;
        }
        let Some(factor) = model.factor(step.side, step.variable) else { continue };
        let before = mode.switch.and_then(|_| lowering.known.get(&step.variable).copied());
        let lacked = lowering.where_lacked(step.variable);
        lowering.step(factor, |is_likelihood| if is_likelihood { How::Decoded } else { How::Tempered });
        let level = levels.iter().position(|id| *id == step.variable).map(|at| at + 1);
        match (before, mode.switch) {
            (Some(before), Some(Switch::Length)) => lowering.keep((before, lacked), step.variable),
            (Some(before), Some(Switch::Top)) => lowering.keep_level(before, step.variable, level),
            _ => {}
        }
    }
    let yields = mode.yields(model).into_iter().filter_map(|id| Some((id, *lowering.known.get(&id)?)));
    let yields: Vec<_> = yields.collect();
    let yields = yields.into_iter().map(|(id, value)| (id, lowering.for_samples(value))).collect();
    lowering.finish(&mode.name, Output::Variables(yields))
}

/// A factor's distribution given its parents. None for a function.
pub fn factor(model: &Model, factor: &Factor, parts: &Parts, name: &str) -> Option<Program> {
    let networks: Vec<&Network> = factor.networks().collect();
    // An autoregressive factor is a function of its own variable too.
    let own = Some(factor.variable).filter(|_| factor.is_autoregressive());
    let parents: Vec<VariableId> = factor.parents.iter().chain(own).collect();
    let mut lowering = Lowering::of(model, parts, &networks, Some(&parents));
    let distribution = lowering.distribution(factor)?;
    Some(lowering.finish(name, Output::Distribution(distribution)))
}

/// The value of a `let` as a function of variables and values.
pub fn value(model: &Model, id: NetId, parts: &Parts, name: &str) -> Option<Program> {
    let NetBody::Network(network) = &model.nets[id.0].body else { return None };
    let mut lowering = Lowering::of(model, parts, &[network], None);
    let value = lowering.computed(id, network)?;
    Some(lowering.finish(name, Output::Value(value)))
}

/// What records have of a variable that they may lack.
#[derive(Clone, Copy)]
struct Own {
    value: ValueId,
    /// 1 in the records that have it, else 0.
    presence: ValueId,
    /// The value, and 0 in records that lack it: the variable before q draws it.
    or_0: ValueId,
}

struct Lowering<'m> {
    model: &'m Model,
    parts: &'m Parts,
    given: Vec<VariableId>,
    values: Vec<Value>,
    names: Names,
    /// Values by their inputs. Equal ones are computed once.
    equal: BTreeMap<Vec<ValueId>, Vec<ValueId>>,
    /// The value that each variable has at this point.
    known: BTreeMap<VariableId, ValueId>,
    /// The output of each named network for given inputs. Without this cache, a chain of values that each read the last
    /// one twice would take exponential time.
    applied: BTreeMap<(NetId, Vec<ValueId>), ValueId>,
    /// The value of each `let` at this point. None if it reads an unknown variable.
    lets: BTreeMap<NetId, Option<ValueId>>,
    /// The groups of enumerated variables that came first of their kind.
    enumerated: Vec<Vec<VariableId>>,
    /// The variables that are summed out of p on whose values a value depends, in the order in which they join the sum.
    scopes: BTreeMap<ValueId, Vec<VariableId>>,
    /// Those that the factor which is lowered reads.
    over: Vec<VariableId>,
    /// ln p of the variables whose factors are part of the sum, given those that joined before.
    of_sum: BTreeMap<VariableId, ValueId>,
    /// The variables that are summed out here: in a mode, not those that are given.
    summed: BTreeSet<VariableId>,
    /// The variables that records may lack.
    partly: BTreeMap<VariableId, Own>,
    /// The variable as drawn so far, while the distribution of a position-by-position draw is computed.
    partial: Option<ValueId>,
    scores: Vec<Score>,
    /// Values of learned baselines. What they read of the model has no gradient.
    of_baselines: BTreeSet<NetId>,
    /// Whether such a value is being computed.
    detaches: bool,
    /// Log-probabilities that were computed together with draws.
    scored: BTreeMap<VariableId, ValueId>,
    /// For variables with the same outermost flows in p and q: the draw before these flows.
    inner: BTreeMap<VariableId, ValueId>,
    /// Whether the caller states the number of rows even if there are no inputs.
    has_rows: bool,
    /// Whether values are inputs, beside the variables.
    has_values: bool,
    addends: Vec<ValueId>,
    gains: Vec<ValueId>,
    /// Whether draws of global variables are shared by all records, as in the bound.
    shares: bool,
    /// The number of rows of a value per component.
    components: usize,
    /// The step of the factor that is lowered. None outside of sequences.
    step: Option<usize>,
}

impl<'m> Lowering<'m> {
    /// The inputs of some networks: members of families of values, and the variables that are read directly beside
    /// these. Without networks, all parents.
    fn of(model: &'m Model, parts: &'m Parts, networks: &[&Network], parents: Option<&[VariableId]>) -> Self {
        let (mut variables, mut seen) = (VariableSet::default(), BTreeSet::new());
        // Those whose values are read, and not only through `known`.
        let mut read = VariableSet::default();
        let is_given = |id: &NetId| {
            let net = &model.nets[id.0];
            graph::member(&net.name).is_some() && !net.reads.is_empty()
        };
        let mut open: Vec<&Network> = networks.to_vec();
        while let Some(network) = open.pop() {
            variables.extend(network.nodes.iter().filter_map(graph::Node::variable));
            variables.extend(network.nodes.iter().filter_map(graph::Node::past));
            read.extend(
                network.nodes.iter().filter(|node| !matches!(node.op, Op::Known(_))).filter_map(graph::Node::variable),
            );
            let new = network.lets().filter(|id| seen.insert(*id)).filter(|id| !is_given(id));
            open.extend(new.filter_map(|id| match &model.nets[id.0].body {
                NetBody::Network(inner) => Some(inner),
                NetBody::Rust { .. } => None,
            }));
        }
        let values: Vec<NetId> = seen.into_iter().filter(is_given).collect();
        let given = match parents {
            Some(parents) if values.is_empty() => parents.to_vec(),
            Some(parents) => parents.iter().copied().filter(|id| variables.contains(*id)).collect(),
            None => variables.iter().collect(),
        };
        let known = given.iter().copied().filter(|id| variables.contains(*id) && !read.contains(*id));
        let known = known.filter(|id| is_partly(model, *id)).collect();
        let mut lowering = Self::new(model, parts, given, &known);
        lowering.has_rows = false;
        lowering.has_values = !values.is_empty();
        for id in values {
            let value = lowering.value(Operation::GivenValue(id), Vec::new(), &model.nets[id.0].name);
            lowering.lets.insert(id, Some(value));
        }
        lowering
    }

    /// `partly`: the given variables that records may lack.
    fn new(model: &'m Model, parts: &'m Parts, given: Vec<VariableId>, partly: &VariableSet) -> Self {
        let mut lowering = Self {
            model,
            parts,
            given: given.clone(),
            values: Vec::new(),
            names: Names::with(&ARGUMENTS),
            equal: BTreeMap::new(),
            known: BTreeMap::new(),
            applied: BTreeMap::new(),
            lets: BTreeMap::new(),
            enumerated: Vec::new(),
            scopes: BTreeMap::new(),
            over: Vec::new(),
            of_sum: BTreeMap::new(),
            summed: BTreeSet::new(),
            partly: BTreeMap::new(),
            partial: None,
            scores: Vec::new(),
            of_baselines: BTreeSet::new(),
            detaches: false,
            scored: BTreeMap::new(),
            inner: BTreeMap::new(),
            has_rows: true,
            has_values: false,
            addends: Vec::new(),
            gains: Vec::new(),
            components: 0,
            step: None,
            shares: false,
        };
        for id in given {
            let name = &model.variable(id).name;
            let may_lack = partly.contains(id);
            let operation = if may_lack { Operation::Partly(id) } else { Operation::Given(id) };
            let value = lowering.value(operation, Vec::new(), name);
            lowering.known.insert(id, value);
            if may_lack {
                let presence = lowering.value(Operation::Presence, vec![value], &format!("has_{name}"));
                // Until q draws it, the experts that read it drop out in the records that lack it.
                let name = format!("{name}_or_0");
                let or_0 = lowering.value(Operation::Where(Presence::There), vec![presence, value], &name);
                lowering.known.insert(id, or_0);
                lowering.partly.insert(id, Own { value, presence, or_0 });
            }
        }
        lowering
    }

    /// What records have of a variable that they may lack, until it is drawn.
    fn where_lacked(&self, id: VariableId) -> Option<Own> {
        let own = self.partly.get(&id).copied()?;
        (self.known.get(&id) == Some(&own.or_0)).then_some(own)
    }

    fn finish(self, name: &str, output: Output) -> Program {
        let Self { given, values, enumerated, scores, addends, gains, .. } = self;
        finish(Program { name: name.to_owned(), given, values, output, enumerated, scores, addends, gains })
    }
}
