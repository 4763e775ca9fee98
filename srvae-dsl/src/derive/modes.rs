//! The modes of inference, each a little program: which variable is drawn from which side, in which order.

use super::condition::{Reason, condition, steps};
use super::{is_data, is_deterministic, is_partly, is_supplied};
use crate::graph::{Factor, Model, NetId, Role, Side, Space, VariableId};

pub(super) const GENERATION: &str = "generation";
const RECONSTRUCTION: &str = "reconstruction";
const REGENERATION: &str = "generative_reconstruction";
pub(super) const CONDITIONAL: &str = "conditional_generation";
const CLASSIFICATION: &str = "classification";
const IMPUTATION: &str = "imputation";

/// A mode of inference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// `generation`, `reconstruction`, `generative_reconstruction`, `conditional_generation`, or the last one with the
    /// names of what is given after it.
    pub name: String,
    /// What the caller knows, in the file's order.
    pub given: Vec<VariableId>,
    pub steps: Vec<Step>,
}

/// One draw (or one value of a deterministic factor).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub variable: VariableId,
    pub side: Side,
}

/// A mode that the graph does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub name: String,
    /// What it would be given.
    pub given: Vec<VariableId>,
    pub reason: Reason,
}

impl Mode {
    /// Variables the mode yields, each at its last step; observed ones last.
    pub fn yields(&self, model: &Model) -> Vec<VariableId> {
        let mut all: Vec<VariableId> = Vec::new();
        for step in self.steps.iter().rev() {
            if !all.contains(&step.variable) {
                all.insert(0, step.variable);
            }
        }
        all.sort_by_key(|id| matches!(model.variable(*id).role, Role::Observed | Role::Partly));
        all
    }

    /// Whether a step's value is replaced by a later one.
    pub fn is_intermediate(&self, index: usize) -> bool {
        self.steps[index + 1..].iter().any(|later| later.variable == self.steps[index].variable)
    }
}

/// The modes that have a name, and why the others of them do not exist; those that coincide are one.
pub fn modes(model: &Model) -> (Vec<Mode>, Vec<Refusal>) {
    let (mut all, mut refused): (Vec<Mode>, Vec<Refusal>) = (Vec::new(), Vec::new());
    let data = of(model, |id| is_data(model, id));
    let mut add = |name: String, given: Vec<VariableId>, found: Result<Mode, Reason>| match found {
        Ok(mode) if all.iter().any(|other| other.steps == mode.steps && other.given == mode.given) => {}
        Ok(mode) => all.push(Mode { name, ..mode }),
        Err(reason) => refused.push(Refusal { name, given, reason }),
    };
    add(GENERATION.to_owned(), conditions(model), given(model, &[]));
    let partly = of(model, |id| is_partly(model, id));
    if !model.q.is_empty() {
        add(RECONSTRUCTION.to_owned(), data.clone(), reconstruction(model, &data, RECONSTRUCTION));
        if !partly.is_empty() {
            let all = of(model, |id| is_data(model, id) || is_partly(model, id));
            let name = format!("{RECONSTRUCTION}_{}", names(model, &partly));
            let found = reconstruction(model, &all, &name);
            add(name, all, found);
        }
        add(REGENERATION.to_owned(), data.clone(), generative_reconstruction(model, &data));
    }
    for id in &partly {
        let (name, evidence) = completion(model, *id, partly.len() == 1);
        let found = completed(model, *id, &evidence, &name);
        add(name, evidence, found);
    }
    for (name, evidence) in evidences(model) {
        let found = given(model, &evidence);
        add(name, evidence, found);
    }
    (all, refused)
}

/// What conditional generation is tried with: each latent that q determines; of several observed variables each alone, and
/// all but one.
fn evidences(model: &Model) -> Vec<(String, Vec<VariableId>)> {
    let name = |ids: &[VariableId]| format!("{CONDITIONAL}_{}", names(model, ids));
    let mut all: Vec<(String, Vec<VariableId>)> = Vec::new();
    let determined = of(model, |id| model.q_of(id).is_some_and(is_deterministic));
    for id in &determined {
        let name = if determined.len() == 1 { CONDITIONAL.to_owned() } else { name(&[*id]) };
        all.push((name, vec![*id]));
    }
    let observed = of(model, |id| matches!(model.variable(id).role, Role::Observed | Role::Partly));
    if observed.len() > 1 {
        all.extend(observed.iter().map(|id| (name(&[*id]), vec![*id])));
    }
    if observed.len() > 2 {
        let others = |id: &VariableId| observed.iter().filter(|other| *other != id).copied().collect::<Vec<_>>();
        all.extend(observed.iter().map(others).map(|ids| (name(&ids), ids)));
    }
    all
}

/// The mode that draws everything else given this, and given those of the model's given variables that it reads besides.
///
/// # Errors
/// Why there is none.
pub fn given(model: &Model, evidence: &[VariableId]) -> Result<Mode, Reason> {
    let conditions = conditions(model);
    let all: Vec<VariableId> = conditions.iter().chain(evidence).copied().collect();
    let steps = steps(model, &all)?;
    let is_read = read(model, &all, &steps);
    // What comes with the data besides is given where it is read; the evidence must be.
    let kept: Vec<VariableId> = all.into_iter().filter(|id| is_read.contains(id) || evidence.contains(id)).collect();
    condition(model, &kept)
}

/// Everything given the data, then what q has no factor for, the data proper, anew from p.
fn reconstruction(model: &Model, data: &[VariableId], name: &str) -> Result<Mode, Reason> {
    let mut steps = steps(model, data)?;
    let is_leaf = |id: VariableId| match model.variable(id).role {
        Role::Observed => true,
        Role::Partly => data.contains(&id) && model.q_of(id).is_none(),
        Role::Latent | Role::Global | Role::Given => false,
    };
    steps.extend(model.p.iter().filter(|factor| is_leaf(factor.variable)).map(step));
    of_data(model, name, data, steps)
}

/// The mode that finds a partly observed variable from everything else that data may have: a class, or another value.
fn completion(model: &Model, id: VariableId, alone: bool) -> (String, Vec<VariableId>) {
    let variable = model.variable(id);
    let what = if variable.space == Space::Label { CLASSIFICATION } else { IMPUTATION };
    let name = if alone { what.to_owned() } else { format!("{what}_{}", variable.name) };
    (name, of(model, |other| other != id && (is_data(model, other) || is_partly(model, other))))
}

/// The draws of a variable given the evidence, and of what it is drawn from.
fn completed(model: &Model, id: VariableId, evidence: &[VariableId], name: &str) -> Result<Mode, Reason> {
    let mut needed = vec![id];
    let mut kept: Vec<Step> = Vec::new();
    for step in steps(model, evidence)?.into_iter().rev() {
        if needed.contains(&step.variable) {
            needed.extend(model.factor(step.side, step.variable).map_or(&[][..], |factor| &factor.parents));
            kept.insert(0, step);
        }
    }
    of_data(model, name, evidence, kept)
}

/// The roots of p from q, through whatever q needs on the way; everything below them anew from p.
fn generative_reconstruction(model: &Model, data: &[VariableId]) -> Result<Mode, Reason> {
    let is_root = |factor: &&Factor| {
        model.q_of(factor.variable).is_some()
            && factor.parents.iter().all(|parent| model.variable(*parent).role == Role::Given)
    };
    let roots: Vec<VariableId> = model.p.iter().filter(is_root).map(|factor| factor.variable).collect();
    let mut needed = roots.clone();
    for factor in model.q.iter().rev() {
        if needed.contains(&factor.variable) {
            needed.extend(&factor.parents);
        }
    }
    let way = model.q.iter().filter(|factor| needed.contains(&factor.variable) && !is_supplied(factor)).map(step);
    let below = model.p.iter().filter(|factor| !roots.contains(&factor.variable)).map(step);
    of_data(model, REGENERATION, data, way.chain(below).collect())
}

/// A mode over the data: one that reads none of them is none.
fn of_data(model: &Model, name: &str, data: &[VariableId], steps: Vec<Step>) -> Result<Mode, Reason> {
    let given = read(model, data, &steps);
    match given.iter().all(|id| model.variable(*id).role == Role::Given) {
        true => Err(Reason::IgnoresData),
        false => Ok(Mode { name: name.to_owned(), given, steps }),
    }
}

/// What of the evidence the steps read before they yield it, in the order of the file.
pub(super) fn read(model: &Model, evidence: &[VariableId], steps: &[Step]) -> Vec<VariableId> {
    let (mut read, mut made): (Vec<VariableId>, Vec<VariableId>) = (Vec::new(), Vec::new());
    for step in steps {
        let factor = match step.side {
            Side::P => model.p_of(step.variable),
            Side::Q => model.q_of(step.variable),
        };
        let parents = factor.map_or(&[][..], |factor| &factor.parents);
        read.extend(parents.iter().filter(|parent| !made.contains(parent)));
        made.push(step.variable);
    }
    let is_step = |id: &VariableId| evidence.contains(id) && model.variable(*id).step.is_some();
    let is_ended = model.length.is_some() && read.iter().any(is_step) && runs_down(model);
    of(model, |id| evidence.contains(&id) && (read.contains(&id) || is_ended && model.length == Some(id)))
}

/// Whether a recurrence begins at each record's own end, so that its length must be known.
fn runs_down(model: &Model) -> bool {
    (0..model.nets.len()).any(|net| model.goes_on_from(NetId(net)).is_some())
}

/// `x_y`
fn names(model: &Model, ids: &[VariableId]) -> String {
    ids.iter().map(|id| model.variable(*id).name.as_str()).collect::<Vec<_>>().join("_")
}

fn step(factor: &Factor) -> Step {
    Step { variable: factor.variable, side: factor.side }
}

/// What comes with the data and has no factor.
fn conditions(model: &Model) -> Vec<VariableId> {
    of(model, |id| model.variable(id).role == Role::Given)
}

/// The variables of a kind, in the order of the file.
fn of(model: &Model, kind: impl Fn(VariableId) -> bool) -> Vec<VariableId> {
    (0..model.variables.len()).map(VariableId).filter(|id| kind(*id)).collect()
}
