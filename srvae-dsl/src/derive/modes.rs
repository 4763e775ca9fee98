//! The modes of inference. Each is a list of draws, with the order and with the choice of p or q.

use super::condition::{condition, has_an_expert, steps};
use super::evidence::Evidence;
use super::mode::{CONDITIONAL, GENERATION, Mode, Step, drawn_anew, names, of, read};
use super::reason::Reason;
use super::sums::joined;
use super::switched::{CONTINUATION, LEAST_LEVELS, TOP, continuation, levels, top};
use super::{is_data, is_deterministic, is_global, is_partly, is_supplied};
use crate::graph::{Factor, Model, Role, Side, Space, VariableId, VariableSet, family};

const RECONSTRUCTION: &str = "reconstruction";
const REGENERATION: &str = "generative_reconstruction";
const SMOOTHING: &str = "smoothing";
const CLASSIFICATION: &str = "classification";
const IMPUTATION: &str = "imputation";

/// A mode that the graph does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub name: String,
    /// The evidence that it would be given.
    pub given: Vec<VariableId>,
    pub reason: Reason,
}

/// The named modes, and the reasons why others do not exist. Modes that coincide are listed once.
pub fn modes(model: &Model) -> (Vec<Mode>, Vec<Refusal>) {
    let (mut all, mut refused): (Vec<Mode>, Vec<Refusal>) = (Vec::new(), Vec::new());
    let data = of(model, |id| is_data(model, id) || is_partly(model, id));
    let mut add = |name: String, given: Vec<VariableId>, found: Result<Mode, Reason>| match found {
        Ok(mode) if all.iter().any(|other| other.is_same(&mode)) => {}
        Ok(mode) => all.push(mode),
        Err(reason) => refused.push(Refusal { name, given, reason }),
    };
    let generation = given(model, &[]).map(|mode| Mode { name: GENERATION.to_owned(), ..mode });
    add(GENERATION.to_owned(), conditions(model), generation);
    let partly = of(model, |id| is_partly(model, id));
    let infers = !model.q.is_empty() || !model.sum.is_empty();
    let has_steps = model.length.is_some() && model.variables.iter().any(|variable| variable.step.is_some());
    if infers {
        add(RECONSTRUCTION.to_owned(), data.clone(), of_records(model, reconstruction));
        add(REGENERATION.to_owned(), data.clone(), of_records(model, generative_reconstruction));
        if has_steps {
            add(SMOOTHING.to_owned(), data.clone(), of_records(model, smoothing));
        }
    }
    if has_steps {
        add(CONTINUATION.to_owned(), data.clone(), of_records(model, continuation));
    }
    if infers && levels(model).len() >= LEAST_LEVELS {
        add(TOP.to_owned(), data.clone(), of_records(model, top));
    }
    let partly = wholes(model, partly);
    for whole in &partly {
        let (name, evidence) = completion(model, whole, partly.len() == 1);
        // Without any data, it is generation.
        if evidence.iter().any(|id| model.variable(*id).role != Role::Given) {
            let found = completed(model, whole, &Evidence::whole(evidence.iter().copied()), &name);
            add(name, evidence, found);
        }
    }
    for (name, evidence) in evidences(model) {
        let found = given(model, &evidence).map(|mode| Mode { name: name.clone(), ..mode });
        add(name, evidence, found);
    }
    (all, refused)
}

/// The evidence of conditional generation: each latent that q determines; if there are several observed variables, each
/// alone, and all but one. The steps of a sequence are one variable.
fn evidences(model: &Model) -> Vec<(String, Vec<VariableId>)> {
    let name = |ids: &[VariableId]| format!("{CONDITIONAL}_{}", names(model, ids));
    let mut all: Vec<(String, Vec<VariableId>)> = Vec::new();
    let determined = wholes(model, of(model, |id| model.q_of(id).is_some_and(is_deterministic)));
    for whole in &determined {
        let name = if determined.len() == 1 { CONDITIONAL.to_owned() } else { name(whole) };
        all.push((name, whole.clone()));
    }
    let observed = wholes(model, of(model, |id| matches!(model.variable(id).role, Role::Observed | Role::Partly)));
    if observed.len() > 1 {
        all.extend(observed.iter().map(|whole| (name(whole), whole.clone())));
    }
    if observed.len() > 2 {
        for own in &observed {
            let others: Vec<VariableId> = observed.iter().filter(|whole| *whole != own).flatten().copied().collect();
            all.push((name(&others), others));
        }
    }
    all
}

/// Groups of variables: the steps of a sequence together, all others alone.
fn wholes(model: &Model, ids: Vec<VariableId>) -> Vec<Vec<VariableId>> {
    let mut all: Vec<Vec<VariableId>> = Vec::new();
    let sequence = |id: VariableId| model.variable(id).step.map(|_| family(&model.variable(id).name));
    for id in ids {
        let own = sequence(id);
        let is_own =
            |whole: &&mut Vec<VariableId>| own.is_some() && whole.first().is_some_and(|it| sequence(*it) == own);
        match all.iter_mut().find(is_own) {
            Some(whole) => whole.push(id),
            None => all.push(vec![id]),
        }
    }
    all
}

/// The mode that draws all other variables given this evidence, and given the model's given variables that it reads.
///
/// # Errors
/// The reason why it does not exist.
pub fn given(model: &Model, evidence: &[VariableId]) -> Result<Mode, Reason> {
    let conditions = conditions(model);
    let all: Vec<VariableId> = conditions.iter().chain(evidence).copied().collect();
    let known = Evidence::whole(all.iter().copied());
    let is_read = read(model, &known, &steps(model, &known)?);
    // Other variables that come with the data are given only if they are read; the evidence is always given.
    let kept: Vec<VariableId> = all.into_iter().filter(|id| is_read.contains(id) || evidence.contains(id)).collect();
    condition(model, &kept)
}

/// A mode that is given the data, and the partly observed variables on which its draws depend, as far as each record has them.
fn of_records(model: &Model, find: impl Fn(&Model, &Evidence) -> Result<Mode, Reason>) -> Result<Mode, Reason> {
    let mut data = Evidence::of_records(model);
    loop {
        let mode = find(model, &data)?;
        let given: VariableSet = mode.given.iter().copied().collect();
        let unread: Vec<VariableId> = data.partly().iter().filter(|id| !given.contains(*id)).collect();
        if unread.is_empty() {
            return Ok(mode);
        }
        unread.into_iter().for_each(|id| data.remove(id));
    }
}

/// All latents given the data, then the observed variables from p.
fn reconstruction(model: &Model, data: &Evidence) -> Result<Mode, Reason> {
    let mut steps = steps(model, data)?;
    steps.extend(drawn_anew(model, data, &steps));
    of_data(model, RECONSTRUCTION, data, steps)
}

/// The latents given the whole record.
fn smoothing(model: &Model, data: &Evidence) -> Result<Mode, Reason> {
    of_data(model, SMOOTHING, data, steps(model, data)?)
}

/// The mode that infers a partly observed variable, or all steps of one, from all other data: a class (classification) or
/// another value (imputation).
fn completion(model: &Model, whole: &[VariableId], alone: bool) -> (String, Vec<VariableId>) {
    let is_label = whole.iter().all(|id| model.variable(*id).space == Space::Label);
    let what = if is_label { CLASSIFICATION } else { IMPUTATION };
    let name = if alone { what.to_owned() } else { format!("{what}_{}", names(model, whole)) };
    (name, of(model, |other| !whole.contains(&other) && (is_data(model, other) || is_partly(model, other))))
}

/// The draws of some variables given the evidence, and of the variables that they are drawn from.
fn completed(model: &Model, whole: &[VariableId], evidence: &Evidence, name: &str) -> Result<Mode, Reason> {
    let steps = steps(model, evidence)?;
    let mut needed: VariableSet = whole.iter().copied().collect();
    let is_from_q = |step: &&Step| step.side == Side::Q && !model.sum.contains(step.variable);
    let is_from_sum = |id: VariableId| model.sum.contains(id) && !evidence.is_whole(id);
    let from_q = steps.iter().filter(is_from_q).map(|step| step.variable);
    let known: VariableSet = evidence.iter().filter(|id| !is_from_sum(*id)).chain(from_q).collect();
    let mut has_sum = false;
    loop {
        let before = needed.clone();
        for step in steps.iter().rev() {
            if !needed.contains(step.variable) {
                continue;
            }
            if !has_sum && step.side == Side::Q && model.sum.contains(step.variable) {
                has_sum = true;
                // The variables that are summed out are drawn together, given all that they depend on.
                needed.extend(joined(model, |id| known.contains(id)));
            }
            let Some(factor) = model.factor(step.side, step.variable) else { continue };
            needed.extend(evidence.needed_by(model, factor));
        }
        // A sum may need variables that are drawn after the one that reads it.
        if needed == before {
            break;
        }
    }
    let kept = steps.into_iter().filter(|step| needed.contains(step.variable)).collect();
    of_data(model, name, evidence, kept)
}

/// The roots of p from q, with the variables that q needs for them, then everything below them from p. Global variables
/// come from q, as in every mode, so a root is a variable without a parent of its own record. Roots that are summed out are
/// drawn from their posterior given the data and what q draws.
fn generative_reconstruction(model: &Model, data: &Evidence) -> Result<Mode, Reason> {
    let is_common = |id: VariableId| matches!(model.variable(id).role, Role::Given | Role::Global);
    let is_root = |factor: &&Factor| !is_common(factor.variable) && factor.parents.iter().all(is_common);
    let all = || model.p.iter().filter(is_root).map(|factor| factor.variable);
    let roots: VariableSet = all().filter(|id| model.q_of(*id).is_some()).collect();
    let from_q = |id: VariableId| roots.contains(id) || is_global(model, id);
    let summed: VariableSet = all().filter(|id| model.sum.contains(*id)).collect();
    if !summed.is_empty() {
        let is_above = |id: VariableId| from_q(id) || summed.contains(id);
        let above: Vec<VariableId> = model.p.iter().map(|factor| factor.variable).filter(|id| is_above(*id)).collect();
        let way = completed(model, &above, data, REGENERATION)?.steps;
        let below = model.p.iter().filter(|factor| !is_above(factor.variable)).map(step);
        return of_data(model, REGENERATION, data, way.into_iter().chain(below).collect());
    }
    let mut needed: VariableSet = model.q.iter().map(|factor| factor.variable).filter(|id| from_q(*id)).collect();
    for factor in model.q.iter().rev() {
        if needed.contains(factor.variable) {
            needed.extend(data.needed_by(model, factor));
        }
    }
    let way: Vec<&Factor> =
        model.q.iter().filter(|factor| needed.contains(factor.variable) && !is_supplied(factor)).collect();
    way.iter().try_for_each(|factor| has_an_expert(model, factor, data))?;
    let way = way.into_iter().map(step);
    let below = model.p.iter().filter(|factor| !from_q(factor.variable)).map(step);
    of_data(model, REGENERATION, data, way.chain(below).collect())
}

/// A mode given the data. It does not exist if no draw reads the data.
fn of_data(model: &Model, name: &str, data: &Evidence, steps: Vec<Step>) -> Result<Mode, Reason> {
    let given = read(model, data, &steps);
    match given.iter().all(|id| model.variable(*id).role == Role::Given) {
        true => Err(Reason::IgnoresData),
        false => Ok(Mode::new(model, (name.to_owned(), given, steps), data)),
    }
}

fn step(factor: &Factor) -> Step {
    Step { variable: factor.variable, side: factor.side }
}

/// Variables that come with the data and have no factor.
fn conditions(model: &Model) -> Vec<VariableId> {
    of(model, |id| model.variable(id).role == Role::Given)
}
