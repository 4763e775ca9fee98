//! The modes of inference, each a little program: which variable is drawn from which side, in which order.

use super::{is_data, is_deterministic, is_supplied};
use crate::graph::{Factor, Model, Role, Side, VariableId};

/// A mode of inference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// `generation`, `reconstruction`, `generative_reconstruction`, `conditional_generation`.
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

impl Mode {
    /// Variables the mode yields, each at its last step; observed ones last.
    pub fn yields(&self, model: &Model) -> Vec<VariableId> {
        let mut all: Vec<VariableId> = Vec::new();
        for step in self.steps.iter().rev() {
            if !all.contains(&step.variable) {
                all.insert(0, step.variable);
            }
        }
        all.sort_by_key(|id| model.variable(*id).role == Role::Observed);
        all
    }

    /// Whether a step's value is replaced by a later one.
    pub fn is_intermediate(&self, index: usize) -> bool {
        self.steps[index + 1..].iter().any(|later| later.variable == self.steps[index].variable)
    }
}

/// Every mode the graph allows; those that coincide are one.
pub fn modes(model: &Model) -> Vec<Mode> {
    let mut all: Vec<Mode> = Vec::new();
    let candidates = [generation(model), reconstruction(model), generative_reconstruction(model)];
    for mode in candidates.into_iter().chain(conditional_generations(model)) {
        if !all.iter().any(|other| other.steps == mode.steps && other.given == mode.given) {
            all.push(mode);
        }
    }
    all
}

/// Every variable from p, in p's order.
fn generation(model: &Model) -> Mode {
    finish(model, "generation", &[], model.p.iter().map(step).collect())
}

/// Latents from q, what was observed from p.
fn reconstruction(model: &Model) -> Mode {
    let latents = model.q.iter().filter(|factor| !is_supplied(factor)).map(step);
    let observed = model.p.iter().filter(|factor| model.variable(factor.variable).role == Role::Observed).map(step);
    finish(model, "reconstruction", &data(model), latents.chain(observed).collect())
}

/// The roots of p from q, through whatever q needs on the way; everything below them anew from p.
fn generative_reconstruction(model: &Model) -> Mode {
    let is_root = |factor: &&Factor| {
        model.variable(factor.variable).role == Role::Latent
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
    finish(model, "generative_reconstruction", &data(model), way.chain(below).collect())
}

/// For each latent that q determines, given: latents whose factor of q needs only what is known from q, the rest from p.
fn conditional_generations(model: &Model) -> Vec<Mode> {
    let targets: Vec<VariableId> =
        model.q.iter().filter(|factor| is_deterministic(factor)).map(|factor| factor.variable).collect();
    let name = |target: VariableId| match targets.len() {
        1 => "conditional_generation".to_owned(),
        _ => format!("conditional_generation_{}", model.variable(target).name),
    };
    targets.iter().map(|target| conditional_generation(model, &name(*target), *target)).collect()
}

fn conditional_generation(model: &Model, name: &str, target: VariableId) -> Mode {
    let conditions = (0..model.variables.len()).map(VariableId).filter(|id| model.variable(*id).role == Role::Given);
    let mut known: Vec<VariableId> = conditions.chain([target]).collect();
    let mut steps = Vec::new();
    for factor in model.q.iter().filter(|factor| factor.variable != target && !is_supplied(factor)) {
        if factor.parents.iter().all(|parent| known.contains(parent)) {
            known.push(factor.variable);
            steps.push(step(factor));
        }
    }
    steps.extend(model.p.iter().filter(|factor| !known.contains(&factor.variable)).map(step));
    finish(model, name, &[target], steps)
}

fn step(factor: &Factor) -> Step {
    Step { variable: factor.variable, side: factor.side }
}

fn data(model: &Model) -> Vec<VariableId> {
    (0..model.variables.len()).map(VariableId).filter(|id| is_data(model, *id)).collect()
}

/// A mode is given what its steps read before they yield it: given variables of the model, and `available` ones.
fn finish(model: &Model, name: &str, available: &[VariableId], steps: Vec<Step>) -> Mode {
    let mut read: Vec<VariableId> = Vec::new();
    let mut made: Vec<VariableId> = Vec::new();
    for step in &steps {
        let factor = match step.side {
            Side::P => model.p_of(step.variable),
            Side::Q => model.q_of(step.variable),
        };
        let parents = factor.map_or(&[][..], |factor| &factor.parents);
        read.extend(parents.iter().filter(|parent| !made.contains(parent)));
        made.push(step.variable);
    }
    let is_given = |id: &VariableId| {
        let offered = available.contains(id) || model.variable(*id).role == Role::Given;
        offered && (read.contains(id) || (available.len() == 1 && available[0] == *id))
    };
    let given = (0..model.variables.len()).map(VariableId).filter(is_given).collect();
    Mode { name: name.to_owned(), given, steps }
}
