//! Lowering: the checked model becomes programs.

use super::names::Names;
use super::names::term_field;
use super::parts::{Parts, call, context_path, flow_path, net_path};
use super::program::{Call, How, Operation, Output, Program, Rate, Value, ValueId};
use super::sweep::finish;
use crate::catalog::{self, Role};
use crate::check::RECORDS;
use crate::derive::{
    Derivation, Mode, Presence, Switch, Term, TermKind, common_flows, drops_out, is_data, is_dequantised, is_global,
    is_partly, is_supplied, levels,
};
use crate::graph::{
    self, Body, DrawMethod, Estimator, Factor, Model, NetBody, NetId, Network, Number, Op, ParamId, Side, VariableId,
    VariableSet,
};
use std::collections::{BTreeMap, BTreeSet};

/// Names that a program's function has of its own.
pub const ARGUMENTS: [&str; 9] =
    ["count", "draw", "enumeration", "noise", "options", "records", "rows", "samples", "self"];

/// The bound: every latent drawn from q, then every term.
pub fn bound(model: &Model, derivation: &Derivation, parts: &Parts) -> Program {
    let is_given = |id: &VariableId| is_data(model, *id) || is_partly(model, *id);
    let data = (0..model.variables.len()).map(VariableId).filter(is_given).collect();
    let mut lowering = Lowering::new(model, parts, data, true);
    lowering.shares = true;
    // Before the data pass through the same networks: what these are initialised by is what passes last.
    for p in model.p.iter().filter(|p| matches!(p.body, Body::Mixture { .. })) {
        lowering.distribution(p);
    }
    for q in model.q.iter().filter(|q| !is_supplied(q)) {
        match model.draw_of(q.variable).map(|draw| &draw.method) {
            Some(DrawMethod::Enumerate { .. }) => lowering.enumerate(q.variable),
            Some(DrawMethod::Relaxed { .. } | DrawMethod::StraightThrough) => lowering.step(q, |_| How::Through),
            Some(DrawMethod::Score) | None => lowering.drawn(q, &derivation.terms),
        }
    }
    let terms = lowering.terms(&derivation.terms);
    lowering.scores();
    lowering.addends();
    lowering.finish("bound", Output::Terms(terms))
}

/// A mode: variable after variable, as the derivation says.
pub fn mode(model: &Model, mode: &Mode, parts: &Parts) -> Program {
    let mut lowering = Lowering::new(model, parts, mode.given.clone(), false);
    let levels = levels(model);
    for step in &mode.steps {
        let Some(factor) = model.factor(step.side, step.variable) else { continue };
        let before = mode.switch.and_then(|_| lowering.known.get(&step.variable).copied());
        lowering.step(factor, |is_likelihood| if is_likelihood { How::Decoded } else { How::Tempered });
        let level = levels.iter().position(|id| *id == step.variable).map(|at| at + 1);
        match (before, mode.switch) {
            (Some(before), Some(Switch::Length)) => lowering.keep(before, step.variable),
            (Some(before), Some(Switch::Top)) => lowering.keep_level(before, step.variable, level),
            _ => {}
        }
    }
    let yields = mode.yields(model).into_iter().filter_map(|id| Some((id, *lowering.known.get(&id)?)));
    let yields: Vec<_> = yields.collect();
    let yields = yields.into_iter().map(|(id, value)| (id, lowering.for_samples(value))).collect();
    lowering.finish(&mode.name, Output::Variables(yields))
}

/// A factor's distribution given its parents; none for a function.
pub fn factor(model: &Model, factor: &Factor, parts: &Parts, name: &str) -> Option<Program> {
    let networks: Vec<&Network> = factor.networks().collect();
    // One that is autoregressive is a function of its own variable too.
    let own = Some(factor.variable).filter(|_| factor.is_autoregressive());
    let parents: Vec<VariableId> = factor.parents.iter().copied().chain(own).collect();
    let mut lowering = Lowering::of(model, parts, &networks, Some(&parents));
    let distribution = lowering.distribution(factor)?;
    Some(lowering.finish(name, Output::Distribution(distribution)))
}

/// The value of a `let` for given variables and values.
pub fn value(model: &Model, id: NetId, parts: &Parts, name: &str) -> Option<Program> {
    let NetBody::Network(network) = &model.nets[id.0].body else { return None };
    let mut lowering = Lowering::of(model, parts, &[network], None);
    let value = lowering.computed(id, network)?;
    Some(lowering.finish(name, Output::Value(value)))
}

struct Lowering<'m> {
    model: &'m Model,
    parts: &'m Parts,
    given: Vec<VariableId>,
    values: Vec<Value>,
    names: Names,
    /// Values by their inputs: equal ones are computed once.
    equal: BTreeMap<Vec<ValueId>, Vec<ValueId>>,
    /// The value that each variable has at this point.
    known: BTreeMap<VariableId, ValueId>,
    /// What a named network made of its inputs: a tower of values that each read the last one twice is walked once.
    applied: BTreeMap<(NetId, Vec<ValueId>), ValueId>,
    /// The value of each `let` at this point; none of one that reads what is not known.
    lets: BTreeMap<NetId, Option<ValueId>>,
    enumerated: Vec<VariableId>,
    /// Partly observed variables as they are given, and whether they are there: nothing but in the bound.
    partly: BTreeMap<VariableId, (ValueId, ValueId)>,
    /// While the distribution of a variable that is drawn position by position is computed: the variable as far as it is drawn.
    partial: Option<ValueId>,
    scores: Vec<ValueId>,
    /// Log-probabilities of draws that were drawn together with them.
    scored: BTreeMap<VariableId, ValueId>,
    /// Of variables whose flows are the same in p and in q: the draw before these.
    inner: BTreeMap<VariableId, ValueId>,
    /// Whether the caller says how many rows there are, also where it gives nothing.
    has_rows: bool,
    /// Whether values are given, beside the variables.
    has_values: bool,
    addends: Vec<ValueId>,
    /// Whether draws of what is global are the same for all records: in the bound.
    shares: bool,
    /// How many rows a value has that is computed once a component.
    components: usize,
}

impl<'m> Lowering<'m> {
    /// Of what a few networks make of variables and values that are given: members of families of values, and the variables that
    /// are read beside these; without any, all parents.
    fn of(model: &'m Model, parts: &'m Parts, networks: &[&Network], parents: Option<&[VariableId]>) -> Self {
        let (mut variables, mut seen) = (VariableSet::default(), BTreeSet::new());
        let is_given = |id: &NetId| {
            let net = &model.nets[id.0];
            graph::member(&net.name).is_some() && !net.reads.is_empty()
        };
        let mut open: Vec<&Network> = networks.to_vec();
        while let Some(network) = open.pop() {
            variables.extend(network.nodes.iter().filter_map(graph::Node::variable));
            variables.extend(network.nodes.iter().filter_map(graph::Node::past));
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
        let mut lowering = Self::new(model, parts, given, false);
        lowering.has_rows = false;
        lowering.has_values = !values.is_empty();
        for id in values {
            let value = lowering.value(Operation::GivenValue(id), Vec::new(), &model.nets[id.0].name);
            lowering.lets.insert(id, Some(value));
        }
        lowering
    }

    /// `missing`: records may lack partly observed variables.
    fn new(model: &'m Model, parts: &'m Parts, given: Vec<VariableId>, missing: bool) -> Self {
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
            partly: BTreeMap::new(),
            partial: None,
            scores: Vec::new(),
            scored: BTreeMap::new(),
            inner: BTreeMap::new(),
            has_rows: true,
            has_values: false,
            addends: Vec::new(),
            components: 0,
            shares: false,
        };
        for id in given {
            let name = &model.variable(id).name;
            let is_partly = missing && is_partly(model, id);
            let operation = if is_partly { Operation::Partly(id) } else { Operation::Given(id) };
            let value = lowering.value(operation, Vec::new(), name);
            lowering.known.insert(id, value);
            if is_partly {
                let presence = lowering.value(Operation::Presence, vec![value], &format!("has_{name}"));
                lowering.partly.insert(id, (value, presence));
                if drops_out(model, id) {
                    let name = format!("{name}_or_0");
                    let there = lowering.value(Operation::Where(Presence::There), vec![presence, value], &name);
                    lowering.known.insert(id, there);
                }
            }
        }
        lowering
    }

    fn finish(self, name: &str, output: Output) -> Program {
        let Self { given, values, enumerated, scores, addends, .. } = self;
        finish(Program { name: name.to_owned(), given, values, output, enumerated, scores, addends })
    }

    /// The value of an operation: the one there is, or a new one under a name like `name`.
    fn value(&mut self, operation: Operation, inputs: Vec<ValueId>, name: &str) -> ValueId {
        let of_inputs = self.rate(&inputs);
        let rate = match operation {
            Operation::Rows => Rate::Record,
            _ if operation.is_given() => Rate::Record,
            Operation::Expand | Operation::Repeat | Operation::PerSample => Rate::Sample,
            Operation::Expect | Operation::Whole(_) => Rate::Sample,
            Operation::Enumerate(_) | Operation::RepeatValues => Rate::Value,
            Operation::Stack | Operation::Components(_) => Rate::Component,
            Operation::Draws => Rate::Draws,
            Operation::Each => Rate::Sample,
            Operation::Draw(id, _) | Operation::Scored(id) if self.shares && is_global(self.model, id) => Rate::Draws,
            Operation::Mixture(_) => Rate::Constant,
            Operation::Draw(..) | Operation::Scored(_) | Operation::Dequantise(_) => of_inputs.max(Rate::Sample),
            Operation::Partial(_) => Rate::Sample,
            _ => of_inputs,
        };
        let inputs = match (&operation, rate) {
            (Operation::ExpandLike, _) => inputs,
            (Operation::Mixture(_) | Operation::Components(_), _)
            | (Operation::Expand | Operation::Rows | Operation::Repeat | Operation::RepeatValues, _)
            | (Operation::Enumerate(_), _) => inputs,
            (Operation::Stack | Operation::Draws | Operation::Each, _) => inputs,
            (_, Rate::Draws) => inputs.into_iter().map(|input| self.with_draws(input)).collect(),
            (_, Rate::Component) => inputs.into_iter().map(|input| self.with_components(input)).collect(),
            (Operation::Expect | Operation::Whole(_), _) | (_, Rate::Value) => {
                inputs.into_iter().map(|input| self.with_values(input)).collect()
            }
            (_, Rate::Sample) => inputs.into_iter().map(|input| self.with_samples(input)).collect(),
            (_, Rate::Record) => inputs.into_iter().map(|input| self.with_records(input)).collect(),
            (_, Rate::Constant) => inputs,
        };
        let is_draw = matches!(operation, Operation::Draw(..) | Operation::Scored(_) | Operation::Partial(_));
        let same = self.equal.get(&inputs).into_iter().flatten();
        let found = same.copied().find(|value| self.values[value.0].operation == operation);
        if let Some(found) = found.filter(|_| !is_draw) {
            return found;
        }
        let id = ValueId(self.values.len());
        self.equal.entry(inputs.clone()).or_default().push(id);
        let name = self.names.local(name);
        self.values.push(Value { operation, inputs, rate, name, scope: None });
        id
    }

    /// How often what these make is computed: what all records share, beside something of a record, once per sample.
    fn rate(&self, inputs: &[ValueId]) -> Rate {
        let each = || inputs.iter().map(|input| self.values[input.0].rate);
        let most = each().max().unwrap_or(Rate::Constant);
        if most == Rate::Record && each().any(|rate| rate == Rate::Draws) { Rate::Sample } else { most }
    }

    /// A value as it meets one of a draw that all records share.
    fn with_draws(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Constant if !self.is_distribution(value) => self.for_draws(value),
            _ => value,
        }
    }

    /// What every row shares, for each draw.
    fn for_draws(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Constant => {
                let name = format!("{}_draws", self.values[value.0].name);
                self.value(Operation::Draws, vec![value], &name)
            }
            _ => value,
        }
    }

    /// A value as it meets one of a record: a distribution that is the same for all rows fits any number.
    fn with_records(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Constant if !self.is_distribution(value) => {
                let name = format!("{}_rows", self.values[value.0].name);
                self.value(Operation::Rows, vec![value], &name)
            }
            _ => value,
        }
    }

    /// A value as it meets one of a component.
    fn with_components(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Constant if !self.is_distribution(value) => {
                let name = format!("{}_each", self.values[value.0].name);
                self.value(Operation::Components(self.components), vec![value], &name)
            }
            _ => value,
        }
    }

    fn is_distribution(&self, value: ValueId) -> bool {
        self.values[value.0].operation.makes_distribution()
    }

    /// A value as it meets one of a sample: a record's is repeated, a distribution that is the same for all rows fits any
    /// number.
    fn with_samples(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Record | Rate::Draws => self.for_samples(value),
            Rate::Constant if !self.is_distribution(value) => self.for_samples(value),
            Rate::Constant | Rate::Component | Rate::Sample | Rate::Value => value,
        }
    }

    /// A head that reads nothing, for the rows that there are; in a factor's own program it stays one row.
    fn head(&mut self, variable: VariableId, head: ValueId) -> ValueId {
        if is_global(self.model, variable) && self.shares {
            return self.for_draws(head);
        }
        match (self.values[head.0].rate, self.given.is_empty() && !self.has_values) {
            (Rate::Draws, _) => self.for_samples(head),
            (Rate::Constant, false) => self.with_records(head),
            (Rate::Constant, true) if self.has_rows => self.for_samples(head),
            _ => head,
        }
    }

    /// What a distribution of something of a record is given: of what all records share, a row for each of them.
    fn of_records(&mut self, variable: VariableId, value: ValueId) -> ValueId {
        let is_shared = self.values[value.0].rate == Rate::Draws && !is_global(self.model, variable);
        if is_shared { self.for_samples(value) } else { value }
    }

    /// A value as it meets one of an enumerated value.
    fn with_values(&mut self, value: ValueId) -> ValueId {
        let value = self.with_samples(value);
        match self.values[value.0].rate {
            Rate::Constant | Rate::Component | Rate::Value => value,
            Rate::Draws | Rate::Record | Rate::Sample => {
                let name = format!("{}_values", self.values[value.0].name);
                self.value(Operation::RepeatValues, vec![value], &name)
            }
        }
    }

    /// A value with a row for each sample.
    fn for_samples(&mut self, value: ValueId) -> ValueId {
        let Value { rate, name, .. } = &self.values[value.0];
        match rate {
            Rate::Constant => {
                let name = format!("{name}_rows");
                self.value(Operation::Expand, vec![value], &name)
            }
            Rate::Record => {
                let name = format!("{name}_each");
                self.value(Operation::Repeat, vec![value], &name)
            }
            Rate::Draws => {
                let name = format!("{name}_each");
                self.value(Operation::Each, vec![value], &name)
            }
            Rate::Component | Rate::Sample | Rate::Value => value,
        }
    }

    /// The distribution of a variable with a row for each of its draws.
    fn for_rows(&mut self, variable: VariableId, distribution: ValueId) -> ValueId {
        match is_global(self.model, variable) && self.shares {
            true => self.for_draws(distribution),
            false => self.for_samples(distribution),
        }
    }

    /// All values of a variable in place of a draw.
    fn enumerate(&mut self, variable: VariableId) {
        let name = &self.model.variable(variable).name;
        let like = self.given.first().and_then(|id| self.known.get(id)).copied();
        let value = self.value(Operation::Enumerate(self.enumerated.len()), like.into_iter().collect(), name);
        self.enumerated.push(variable);
        self.know(variable, value);
    }

    /// The variable on the left of a factor: drawn (as `how` says, told whether it is a likelihood's) or computed.
    fn step(&mut self, factor: &Factor, how: impl Fn(bool) -> How) {
        let name = &self.model.variable(factor.variable).name;
        let value = match &factor.body {
            Body::Deterministic { function, input } => {
                let call = Call {
                    name: function.entry.name,
                    runtime: function.entry.runtime,
                    arguments: function.args.clone(),
                    many: false,
                    repeats: false,
                };
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
                    graph::Role::Observed => true,
                    graph::Role::Partly => self.model.q_of(factor.variable).is_none(),
                    graph::Role::Latent | graph::Role::Global | graph::Role::Given => false,
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
        self.observed_or(factor.variable, value);
    }

    /// A latent drawn from q for the bound. Under flows, a draw whose density is wanted comes with it, for a flow may have no
    /// other; where p has the same flows, the draw before them is what the divergence is of.
    fn drawn(&mut self, q: &Factor, terms: &[Term]) {
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
            // Where the value may come from the data, its density is wanted too.
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

    /// A variable's value from here on: what was drawn, or what is there of a partly observed one.
    fn observed_or(&mut self, variable: VariableId, drawn: ValueId) {
        let name = &self.model.variable(variable).name;
        let value = match self.partly.get(&variable) {
            Some((own, presence)) => self.value(Operation::Choose, vec![*presence, *own, drawn], name),
            None => drawn,
        };
        self.know(variable, value);
    }

    /// The value of a step that a record has stays what it was before it was drawn.
    fn keep(&mut self, before: ValueId, variable: VariableId) {
        let model = self.model;
        let (Some(step), Some(drawn)) = (model.variable(variable).step, self.known.get(&variable).copied()) else {
            return;
        };
        let Some(steps) = model.length.and_then(|id| self.known.get(&id).copied()) else { return };
        let name = &model.variable(variable).name;
        let value = self.value(Operation::Within(step), vec![before, drawn, steps], name);
        self.know(variable, value);
    }

    /// The draw of a top level stays what it was.
    fn keep_level(&mut self, before: ValueId, variable: VariableId, level: Option<usize>) {
        let (Some(level), Some(drawn)) = (level, self.known.get(&variable).copied()) else { return };
        let name = &self.model.variable(variable).name;
        let value = self.value(Operation::Level(level), vec![before, drawn], name);
        self.know(variable, value);
    }

    /// A value of what is below a factor's outermost flows, through these.
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

    /// A variable's value as the only input of an operation.
    fn variable(&self, id: VariableId) -> Vec<ValueId> {
        self.known.get(&id).copied().into_iter().collect()
    }

    /// The distribution of a factor; none for a function.
    fn distribution(&mut self, factor: &Factor) -> Option<ValueId> {
        self.distribution_below(factor, 0)
    }

    /// The mean of a variable's factor of q, at values of what that reads instead of theirs.
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
        // Values of the file that read these are others than those of the data.
        let outside = (std::mem::replace(&mut self.known, known), std::mem::take(&mut self.lets));
        self.components = components;
        let of_q = self.distribution(q);
        (self.known, self.lets) = outside;
        let name = format!("{}_{}", factor.side.name(), model.variable(factor.variable).name);
        Some(self.value(Operation::Mixture(components), vec![of_q?], &name))
    }

    /// The distribution below the outermost flows of a factor, so many of them.
    fn distribution_below(&mut self, factor: &Factor, outer: usize) -> Option<ValueId> {
        if let Body::Mixture { values, components, .. } = &factor.body {
            return self.mixture(factor, values, *components);
        }
        let Body::Stochastic { base, flows, network } = &factor.body else { return None };
        let path = factor.path.clone();
        let name = format!("{}_{}", factor.side.name(), self.model.variable(factor.variable).name);
        let has_codes = base.entry.atoms && network.is_some();
        let of_base = match (has_codes, flows.is_empty()) {
            (true, _) => format!("{name}_point"),
            (false, true) => name.clone(),
            (false, false) => format!("{name}_base"),
        };
        let mut distribution = match network {
            Some(network) if network.experts().is_some() => self.experts(network, &path, &of_base),
            Some(network) => {
                let head = self.network(network, &path, &[]);
                let head = self.head(factor.variable, head);
                let call = Call {
                    name: base.entry.name,
                    runtime: base.entry.runtime,
                    arguments: base.args.clone(),
                    many: false,
                    repeats: false,
                };
                self.value(Operation::Head { call, given: network.given }, vec![head], &of_base)
            }
            None => self.value(Operation::Root(self.parts.find(&path)?), Vec::new(), &of_base),
        };
        if has_codes {
            let prior = self.parts.find(&self.model.p_of(factor.variable)?.path)?;
            let codebook = self.value(Operation::Root(prior), Vec::new(), &format!("{name}_codes"));
            distribution = self.value(Operation::Quantise, vec![distribution, codebook], &name);
        }
        for (at, stage) in flows.iter().enumerate().take(flows.len() - outer) {
            let stage_path = flow_path(self.model, &path, stage, at);
            let part = self.parts.find(&stage_path)?;
            let of_stage =
                if at + 1 == flows.len() { name.clone() } else { format!("{name}_{}", stage.flow.entry.name) };
            let mut inputs = vec![distribution];
            if let Some(context) = &stage.context {
                let context = self.network(context, &context_path(&stage_path), &[]);
                let context = self.of_records(factor.variable, context);
                let is_constant = |value: ValueId| self.values[value.0].rate == Rate::Constant;
                if is_constant(distribution) && !is_constant(context) {
                    let rows = format!("{name}_rows");
                    inputs = vec![self.value(Operation::ExpandLike, vec![distribution, context], &rows)];
                }
                inputs.push(context);
            }
            distribution = self.value(Operation::Flow(part), inputs, &of_stage);
        }
        Some(distribution)
    }

    /// The product of a factor's experts, without those that read what is not known here.
    fn experts(&mut self, network: &Network, path: &str, name: &str) -> ValueId {
        let nodes = self.nodes(network, path, &[]);
        let (experts, standard) = network.experts().unwrap_or_default();
        let (mut inputs, mut presences, mut given) = (Vec::new(), Vec::new(), Vec::new());
        for (expert, stated) in experts {
            let Some(head) = nodes[expert.0] else { continue };
            inputs.push(if self.values[head.0].rate == Rate::Draws { self.for_samples(head) } else { head });
            let before = inputs.len();
            let read = network.variables_above(expert, &self.model.nets);
            let read = read.iter().filter(|id| drops_out(self.model, *id));
            inputs.extend(read.filter_map(|id| self.partly.get(&id)).map(|(_, presence)| *presence));
            presences.push(inputs.len() - before);
            given.push(stated);
        }
        self.value(Operation::Experts { presences, given, standard }, inputs, name)
    }

    /// A network, its parameters below `path`.
    fn network(&mut self, network: &Network, path: &str, formals: &[ValueId]) -> ValueId {
        let output = self.nodes(network, path, formals)[network.output.0];
        // What a network reads is known: only experts are asked for without.
        output.unwrap_or_else(|| unreachable!("{path} reads what is not known"))
    }

    /// The same node by node; none for what reads a variable that is not known here.
    fn nodes(&mut self, network: &Network, path: &str, formals: &[ValueId]) -> Vec<Option<ValueId>> {
        let mut nodes: Vec<Option<ValueId>> = Vec::with_capacity(network.nodes.len());
        for node in &network.nodes {
            let inputs: Option<Vec<ValueId>> = node.inputs.iter().map(|input| nodes[input.0]).collect();
            let (known, Some(inputs)) = (&self.known, inputs) else {
                nodes.push(None);
                continue;
            };
            let value = match &node.op {
                Op::Variable(id) => match known.get(id) {
                    Some(value) => *value,
                    None => {
                        nodes.push(None);
                        continue;
                    }
                },
                Op::Past(id) => match self.partial.or_else(|| known.get(id).copied()) {
                    Some(value) => {
                        let name = format!("past_{}", self.model.variable(*id).name);
                        self.value(Operation::Past, vec![value], &name)
                    }
                    None => {
                        nodes.push(None);
                        continue;
                    }
                },
                Op::Formal(at) => formals[*at],
                // The output of a factor's network, which is made of the others.
                Op::Experts { .. } => {
                    nodes.push(None);
                    continue;
                }
                Op::Net(net) => self.net(*net, inputs),
                Op::Let(id) => match self.shared(*id) {
                    Some(value) => value,
                    None => {
                        nodes.push(None);
                        continue;
                    }
                },
                Op::Block { block, .. } if block.entry.role == Role::Layer => {
                    self.layer(&format!("{path}.{}", node.path), inputs)
                }
                Op::Block { block, .. } => self.value(Operation::Function(call(block)), inputs, block.entry.name),
            };
            nodes.push(Some(value));
        }
        nodes
    }

    fn net(&mut self, net: NetId, inputs: Vec<ValueId>) -> ValueId {
        let model = self.model;
        let key = (net, inputs);
        if let Some(value) = self.applied.get(&key) {
            return *value;
        }
        let path = net_path(model, net);
        let value = match &model.nets[net.0].body {
            NetBody::Network(network) => self.network(network, &path, &key.1),
            NetBody::Rust { .. } => self.layer(&path, key.1.clone()),
        };
        self.applied.insert(key, value);
        value
    }

    /// The value of a `let`, which is computed where it is first read; none where it reads what is not known here.
    fn shared(&mut self, id: NetId) -> Option<ValueId> {
        let model = self.model;
        let mut waiting = vec![id];
        // Those that it reads come first: without recursion, for each step of a sequence may go on from the last.
        while let Some(at) = waiting.last().copied() {
            let before = waiting.len();
            if let (false, NetBody::Network(network)) = (self.lets.contains_key(&at), &model.nets[at.0].body) {
                waiting.extend(network.lets().filter(|id| !self.lets.contains_key(id)));
                if waiting.len() == before {
                    let value = self.computed(at, network);
                    self.lets.insert(at, value);
                }
            }
            if waiting.len() == before {
                waiting.pop();
            }
        }
        self.lets.get(&id).copied().flatten()
    }

    /// The same, from values that are there.
    fn computed(&mut self, id: NetId, network: &Network) -> Option<ValueId> {
        let value = self.nodes(network, &net_path(self.model, id), &[])[network.output.0]?;
        Some(self.within(id, value))
    }

    /// A variable has a value from here on: what was computed from another one, or not at all, is no longer what a `let` stands
    /// for.
    fn know(&mut self, variable: VariableId, value: ValueId) {
        let is_changed = self.known.insert(variable, value).is_some_and(|before| before != value);
        let nets = &self.model.nets;
        self.lets.retain(|id, value| value.is_some() && !(is_changed && nets[id.0].reads.contains(variable)));
    }

    /// What goes on from a later step: over the padding after a record's end it is what that step has.
    fn within(&mut self, net: NetId, value: ValueId) -> ValueId {
        let model = self.model;
        let (Some(later), Some(step)) = (model.goes_on_from(net), model.nets[net.0].step) else { return value };
        let steps = model.length.and_then(|id| self.known.get(&id).copied());
        let other = self.lets.get(&later).copied().flatten();
        let name = self.values[value.0].name.clone();
        match (other, steps) {
            (Some(other), Some(steps)) => self.value(Operation::Within(step), vec![value, other, steps], &name),
            _ => value,
        }
    }

    fn layer(&mut self, path: &str, inputs: Vec<ValueId>) -> ValueId {
        // Every layer was built: parts are found on the same walk.
        let part = self.parts.find(path).unwrap_or_else(|| unreachable!("no part at {path}"));
        let field = &self.parts.part(part).field;
        self.value(Operation::Layer(part), inputs, field)
    }

    /// The terms of the bound, `[K, B]` each.
    fn terms(&mut self, terms: &[Term]) -> Vec<ValueId> {
        if self.enumerated.is_empty() {
            let each = terms.iter().map(|term| {
                let nats = self.nats(term);
                let nats = self.with_samples(nats);
                self.value(Operation::PerSample, vec![nats], &term_field(&term.name))
            });
            return each.collect();
        }
        let nats: Vec<ValueId> = terms.iter().map(|term| self.nats(term)).collect();
        let weights = self.log_weights();
        let is_own = |term: &Term, id: VariableId| term.variable == id && term.kind != TermKind::Reconstruction;
        let first = self.enumerated.first().and_then(|id| terms.iter().position(|term| is_own(term, *id)));
        let each = terms.iter().enumerate().map(|(at, term)| {
            let value = match weights {
                Some(weights) if Some(at) == first => self.whole(weights, terms, &nats, at),
                Some(weights) if self.values[nats[at].0].rate == Rate::Value => {
                    let name = format!("mean_{}", term_field(&term.name));
                    self.value(Operation::Expect, vec![weights, nats[at]], &name)
                }
                _ => self.with_samples(nats[at]),
            };
            self.value(Operation::PerSample, vec![value], &term_field(&term.name))
        });
        each.collect()
    }

    /// Log-probabilities of the enumerated values, where there are any.
    fn log_weights(&mut self) -> Option<ValueId> {
        let enumerated = self.enumerated.clone();
        let mut each = Vec::with_capacity(enumerated.len());
        for id in enumerated {
            let Some(log_q) = self.log_prob_of(Side::Q, id) else { continue };
            each.push(match self.partly.get(&id) {
                Some((own, presence)) => {
                    let inputs = vec![*presence, *own, self.known[&id], log_q];
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

    /// The term at `own`, which takes up what the sum over values gains where importance weights are asked for.
    fn whole(&mut self, weights: ValueId, terms: &[Term], nats: &[ValueId], own: usize) -> ValueId {
        let others = || terms.iter().zip(nats).enumerate().filter(|(at, _)| *at != own).map(|(_, other)| other);
        let signs = others().map(|(term, _)| term.kind == TermKind::Reconstruction).collect();
        let inputs = [weights, nats[own]].into_iter().chain(others().map(|(_, nats)| *nats)).collect();
        self.value(Operation::Whole(signs), inputs, &format!("mean_{}", term_field(&terms[own].name)))
    }

    /// Log-probabilities of what is drawn by its score.
    fn scores(&mut self) {
        let drawn = self.model.draws.iter().filter(|draw| draw.method == DrawMethod::Score).map(|draw| draw.variable);
        for id in drawn.collect::<Vec<_>>() {
            if let Some(log_q) = self.log_prob_of(Side::Q, id) {
                let log_q = self.only(id, Presence::Missing, log_q);
                let name = format!("score_{}", self.model.variable(id).name);
                let value = self.value(Operation::PerSample, vec![log_q], &name);
                self.scores.push(value);
            }
        }
    }

    /// What training maximises besides the bound.
    fn addends(&mut self) {
        for addend in &self.model.addends {
            let Some(log) = self.log_prob_of(addend.side, addend.variable) else { continue };
            let log = match addend.condition {
                Some(id) => self.only(id, Presence::There, log),
                None => log,
            };
            let name = format!("added_{}_{}", addend.side.name(), self.model.variable(addend.variable).name);
            let each = match (self.values[log.0].rate, self.log_weights()) {
                (Rate::Value, Some(weights)) => self.value(Operation::Expect, vec![weights, log], &name),
                _ => self.with_samples(log),
            };
            let each = self.value(Operation::PerSample, vec![each], &name);
            self.addends.push(each);
        }
    }

    /// Numbers of the records that have a partly observed variable, or lack it; of another variable as they are.
    fn only(&mut self, id: VariableId, presence: Presence, numbers: ValueId) -> ValueId {
        match self.partly.get(&id) {
            Some((_, has)) => {
                let name = format!("{}_where", self.values[numbers.0].name);
                self.value(Operation::Where(presence), vec![*has, numbers], &name)
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
        let value = self.known[&variable];
        self.value(Operation::LogProb, vec![distribution, value], &name)
    }

    /// A term of the bound, a number a row: 0 for records that it does not count for.
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

    /// A record's share of what there is once for all of them.
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
        let call = Call {
            name: affine.name,
            runtime: affine.runtime,
            arguments: arguments.collect(),
            many: false,
            repeats: false,
        };
        let name = format!("{}_a_record", self.values[nats.0].name);
        self.value(Operation::Function(call), vec![nats], &name)
    }

    /// The same, for every record.
    fn every(&mut self, term: &Term) -> ValueId {
        let model = self.model;
        let variable = term.variable;
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
                        let log_p = self.log_prob(Side::P, variable, p);
                        self.value(Operation::LogRatio, vec![log_q, log_p], &format!("log_ratio_{own}"))
                    }
                }
            }
        };
        // A step that a record does not have adds nothing.
        match (model.variable(variable).step, model.length.and_then(|id| self.known.get(&id).copied())) {
            (Some(step), Some(steps)) => self.value(Operation::Mask(step), vec![nats, steps], &format!("masked_{own}")),
            _ => nats,
        }
    }
}
