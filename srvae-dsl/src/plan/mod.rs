//! The plan: the model after all decisions. The two back ends, the emitter and the interpreter, decide nothing.

mod call;
mod chosen;
mod families;
mod lower;
mod names;
mod parts;
mod program;
mod segments;
mod show;
mod sweep;

pub use call::Call;
pub use chosen::{Chosen, METHODS, module_name};
pub use families::{Families, Family, Group};
pub use names::ARGUMENTS;
pub use parts::{ComputedShape, Part, PartId, PartKind, Parts, Shape, factor_path, flow_path, net_path};
pub use program::{How, Operation, Output, Program, Rate, Value, ValueId};
pub use segments::{Positions, Segment, Segments};
pub use show::{MOST_LISTED, RATES, StepText, addend_text};

use crate::derive::{Derivation, Mode, derive};
use crate::graph::{Body, Factor, Model, NetId, Side, Stage, VariableId, family};
use names::{Names, term_field};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A model after all decisions.
#[derive(Debug, Clone)]
pub struct Plan {
    pub model: Model,
    pub derivation: Derivation,
    /// The parts with parameters.
    pub parts: Parts,
    pub bound: Program,
    /// The segments of the bound in training, if the file has a `checkpoint` statement; else none.
    pub segments: Segments,
    /// In the derivation's order, lowered on first use: in a long sequence their programs are most of the plan.
    modes: Vec<OnceLock<Program>>,
    /// Only generated code has them one by one.
    single: OnceLock<Single>,
    pub names: Chosen,
    /// `q(u | y)`: each factor in words.
    texts: BTreeMap<(Side, VariableId), String>,
}

/// The factors and values, each as a function of what it reads.
#[derive(Debug, Clone)]
struct Single {
    factors: Vec<FactorPlan>,
    lets: Vec<LetPlan>,
}

/// A `let`.
#[derive(Debug, Clone)]
pub struct LetPlan {
    pub value: NetId,
    /// The value as a function of variables and other values, with the value's name.
    pub program: Program,
}

/// A stochastic factor.
#[derive(Debug, Clone)]
pub struct FactorPlan {
    pub side: Side,
    pub variable: VariableId,
    /// Its distribution given its parents, with the name of the factor, `p_z`. If it reads values of a family, these
    /// are inputs, beside the parents that it reads directly.
    pub program: Program,
    /// The distribution's type in the runtime.
    pub base: &'static str,
    /// The flows over it, the one next to the base first.
    pub flows: Vec<PartId>,
}

impl Plan {
    /// Whether the factor of this variable in p or q is a distribution.
    pub fn factor(&self, side: Side, variable: VariableId) -> Option<&FactorPlan> {
        self.factors().iter().find(|factor| factor.side == side && factor.variable == variable)
    }

    /// Factors of p, then of q, that are distributions.
    pub fn factors(&self) -> &[FactorPlan] {
        &self.single().factors
    }

    /// The values of the file, in the order in which they are computed.
    pub fn lets(&self) -> &[LetPlan] {
        &self.single().lets
    }

    /// The flows over the base distributions, those of each factor from its base outwards, with the factors.
    pub fn flows(&self) -> impl Iterator<Item = (&Factor, PartId)> {
        self.model
            .p
            .iter()
            .chain(&self.model.q)
            .flat_map(|factor| flows(&self.model, factor, &self.parts).into_iter().map(move |part| (factor, part)))
    }

    fn single(&self) -> &Single {
        self.single.get_or_init(|| single(&self.model, &self.parts, &self.names))
    }

    /// The program of a mode, by its position in the derivation.
    pub fn mode(&self, at: usize) -> &Program {
        self.modes[at].get_or_init(|| lower::mode(&self.model, &self.derivation.modes[at], &self.parts))
    }

    /// The variables that a mode yields, in the order in which it yields them.
    pub fn yielded(&self, mode: &Mode) -> Vec<VariableId> {
        let ids = mode.yields(&self.model).into_iter().map(|id| (id, id)).collect();
        self.together(ids).into_iter().map(|(id, _)| id).collect()
    }

    /// Values of variables with the members of a family together, at the place of the first: the order in which a mode
    /// yields its variables.
    pub fn together<T>(&self, values: Vec<(VariableId, T)>) -> Vec<(VariableId, T)> {
        let values = values.into_iter().map(|(id, value)| (Some(id), (id, value))).collect();
        let groups = self.names.families.grouped(values).into_iter();
        groups
            .flat_map(|group| match group {
                families::Group::One(value) => vec![value],
                families::Group::Members { each, .. } => each,
            })
            .collect()
    }

    /// The programs of all modes, in the derivation's order.
    pub fn modes(&self) -> impl ExactSizeIterator<Item = &Program> {
        (0..self.modes.len()).map(|at| self.mode(at))
    }

    /// The public name of a variable, and its step. The steps of a family are one array.
    pub fn outside(&self, id: VariableId) -> (&str, Option<usize>) {
        let variable = self.model.variable(id);
        match variable.step {
            Some(step) => (family(&variable.name), Some(step)),
            None => (&variable.name, None),
        }
    }

    /// Public names of variables, without duplicates.
    pub fn names_outside(&self, ids: &[VariableId]) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for name in ids.iter().map(|id| self.outside(*id).0) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all
    }

    /// Public names of the evidence of a mode that a record may lack.
    pub fn partly_outside(&self, mode: &Mode) -> Vec<&str> {
        let (own, others): (Vec<_>, Vec<_>) = mode.given.iter().copied().partition(|id| mode.partly.contains(*id));
        let others = self.names_outside(&others);
        self.names_outside(&own).into_iter().filter(|name| !others.contains(name)).collect()
    }

    /// Public names of the evidence of a mode that it draws from q in the records that lack it.
    pub fn completed_outside(&self, mode: &Mode) -> Vec<&str> {
        self.names_outside(&mode.completed().iter().collect::<Vec<_>>())
    }

    /// The public name of a term. The terms of all steps are one term, their sum.
    pub fn term_name<'t>(&self, term: &'t str) -> &'t str {
        let variable = term.split_once('_').map_or("", |(_, variable)| variable);
        let is_step = self.model.variables.iter().any(|other| other.step.is_some() && other.name == variable);
        if is_step { family(term) } else { term }
    }

    /// The field of each term, or of the terms of a family, in the order of [`Families::terms`].
    pub fn term_fields(&self) -> Vec<String> {
        let mut fields = Names::default();
        let groups = self.names.families.terms(self).into_iter();
        let wanted = groups.map(|group| match group {
            Group::One((_, term)) => term_field(&term.name),
            Group::Members { family, each, .. } => {
                let kind = each.first().and_then(|(_, term)| term.name.split_once('_')).map_or("", |(kind, _)| kind);
                term_field(&format!("{kind}_{}", self.names.families.all[family].name))
            }
        });
        wanted.map(|wanted| fields.unique(&wanted)).collect()
    }

    /// The plan with an additional mode, and the mode's name. An equal existing mode is reused.
    #[must_use]
    pub fn with_mode(mut self, mut mode: Mode) -> (Self, String) {
        let known = &mut self.derivation.modes;
        if let Some(equal) = known.iter().find(|other| other.is_same(&mode)) {
            let name = equal.name.clone();
            return (self, name);
        }
        while known.iter().any(|other| other.name == mode.name) {
            mode.name.push('_');
        }
        let name = mode.name.clone();
        self.modes.push(OnceLock::new());
        known.push(mode);
        (self, name)
    }

    /// A variable's name.
    pub fn name(&self, id: VariableId) -> &str {
        &self.model.variable(id).name
    }
}

/// Makes the plan.
pub fn plan(model: Model) -> Plan {
    let derivation = derive(&model);
    let parts = parts::parts(&model);
    let names = Chosen::of(&model, &derivation);
    let bound = lower::bound(&model, &derivation, &parts);
    let modes = vec![OnceLock::new(); derivation.modes.len()];
    let texts = model
        .p
        .iter()
        .chain(&model.q)
        .map(|it| ((it.side, it.variable), show::factor_text(&model, it.side, it.variable)))
        .collect();
    let segments = model.checkpoint.map_or_else(Segments::default, |checkpoint| segments::segments(&bound, checkpoint));
    Plan { model, derivation, parts, bound, segments, modes, single: OnceLock::new(), names, texts }
}

fn single(model: &Model, parts: &Parts, names: &Chosen) -> Single {
    let mut methods = names.methods_of_factors();
    let factors = model.p.iter().chain(&model.q).filter_map(|factor| factor_plan(model, factor, parts, &mut methods));
    let factors = factors.collect();
    let lets = model.nets.iter().enumerate().filter(|(_, net)| net.is_let);
    let lets = lets.filter_map(|(at, net)| {
        let program = lower::value(model, NetId(at), parts, &methods.unique(&net.name))?;
        Some(LetPlan { value: NetId(at), program })
    });
    Single { factors, lets: lets.collect() }
}

/// The flows of a factor, from its base outwards.
fn flows(model: &Model, factor: &Factor, parts: &Parts) -> Vec<PartId> {
    let stages = match &factor.body {
        Body::Stochastic { flows, .. } if factor.components().is_none() => flows.as_slice(),
        Body::Stochastic { .. } | Body::Mixture { .. } | Body::Deterministic { .. } => &[],
    };
    let path = |(at, stage): (usize, &Stage)| flow_path(model, &factor.path, stage, at);
    stages.iter().enumerate().filter_map(|stage| parts.find(&path(stage))).collect()
}

fn factor_plan(model: &Model, factor: &Factor, parts: &Parts, methods: &mut names::Names) -> Option<FactorPlan> {
    let base = match &factor.body {
        Body::Stochastic { .. } if factor.components().is_some() => "OneOf",
        Body::Stochastic { base, .. } => base.entry.runtime,
        Body::Mixture { .. } => "Mixture",
        Body::Deterministic { .. } => return None,
    };
    let name = methods.unique(&format!("{}_{}", factor.side.name(), model.variable(factor.variable).name));
    let program = lower::factor(model, factor, parts, &name)?;
    Some(FactorPlan { side: factor.side, variable: factor.variable, program, base, flows: flows(model, factor, parts) })
}
