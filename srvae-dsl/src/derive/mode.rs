//! A mode of inference: a list of draws.

use super::evidence::Evidence;
use super::is_partly;
use super::sums::joined;
use crate::graph::{Model, NetBody, NetId, Role, Side, VariableId, VariableSet, family};

pub(super) const GENERATION: &str = "generation";
pub(super) const CONDITIONAL: &str = "conditional_generation";

/// A mode of inference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// `generation`, `reconstruction`, `generative_reconstruction`, `conditional_generation`, or the last one followed
    /// by the names of the evidence.
    pub name: String,
    /// The evidence, in the file's order.
    pub given: Vec<VariableId>,
    /// The evidence that a record may lack. The draws for a record are given what it has.
    pub partly: VariableSet,
    pub steps: Vec<Step>,
    /// The rule for variables with two draws: where the second one replaces the first.
    pub switch: Option<Switch>,
}

/// One draw (or one value of a deterministic factor).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub variable: VariableId,
    pub side: Side,
}

/// The draws of the second pass that replace those of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Those of steps after the end of a record.
    Length,
    /// Those of levels below the top ones, whose number the caller chooses.
    Top,
}

impl Switch {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Length => "steps within the record's length keep their values; later ones are drawn from p",
            Self::Top => {
                "the top levels (their number is given) keep their draws from q; the lower levels are drawn from p"
            }
        }
    }

    /// The name in `explain --json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Top => "top",
        }
    }
}

impl Mode {
    /// A mode with this name, evidence and draws. A record may lack what it may of the evidence, and a partly observed variable
    /// whose value no draw reads, but through `known`.
    pub(super) fn new(
        model: &Model,
        (name, given, steps): (String, Vec<VariableId>, Vec<Step>),
        evidence: &Evidence,
    ) -> Self {
        let mut partly = read_through_known(model, &given, &steps);
        partly.extend(given.iter().copied().filter(|id| evidence.partly().contains(*id)));
        Self { name, given, partly, steps, switch: None }
    }

    /// The evidence that q draws in the records that lack it. In the others, the observed value takes the place of the draw.
    pub fn completed(&self) -> VariableSet {
        let of_q = self.steps.iter().filter(|step| step.side == Side::Q);
        of_q.map(|step| step.variable).filter(|id| self.partly.contains(*id)).collect()
    }

    /// Whether another mode has the same evidence and the same draws.
    pub fn is_same(&self, other: &Self) -> bool {
        let own = (&self.given, &self.partly, &self.steps, self.switch);
        own == (&other.given, &other.partly, &other.steps, other.switch)
    }

    /// Variables the mode yields, each at its last step; observed ones last.
    pub fn yields(&self, model: &Model) -> Vec<VariableId> {
        let (mut all, mut seen): (Vec<VariableId>, VariableSet) = Default::default();
        for step in self.steps.iter().rev() {
            if seen.insert(step.variable) {
                all.push(step.variable);
            }
        }
        all.reverse();
        all.sort_by_key(|id| matches!(model.variable(*id).role, Role::Observed | Role::Partly));
        all
    }

    /// Of each step whether its value is replaced by a later one.
    pub fn intermediate(&self) -> Vec<bool> {
        let mut later = VariableSet::default();
        let mut each: Vec<bool> = self.steps.iter().rev().map(|step| !later.insert(step.variable)).collect();
        each.reverse();
        each.iter_mut().for_each(|is_replaced| *is_replaced &= self.switch.is_none());
        each
    }
}

/// The variables of the data, drawn from p after these draws: observed ones, and those that no factor needs in records that
/// lack them.
pub(super) fn drawn_anew(model: &Model, data: &Evidence, steps: &[Step]) -> Vec<Step> {
    let drawn: VariableSet = steps.iter().map(|step| step.variable).collect();
    let is_anew = |id: &VariableId| match model.variable(*id).role {
        Role::Observed => true,
        Role::Partly => data.partly().contains(*id) && !drawn.contains(*id),
        Role::Latent | Role::Global | Role::Given => false,
    };
    let anew = model.p.iter().map(|factor| factor.variable).filter(is_anew);
    anew.map(|variable| Step { variable, side: Side::P }).collect()
}

/// Partly observed variables of the evidence whose values the steps read only through `known`.
fn read_through_known(model: &Model, given: &[VariableId], steps: &[Step]) -> VariableSet {
    let able = |id: &VariableId| is_partly(model, *id) && !model.sum.contains(*id);
    let able: Vec<VariableId> = given.iter().copied().filter(able).collect();
    let mut read = VariableSet::default();
    // What the draws read may be many.
    for step in steps.iter().filter(|_| !able.is_empty()) {
        match step.side == Side::Q && model.sum.contains(step.variable) {
            // The sum leaves out the factor of a variable that a record lacks, but not those that read it.
            true => read.extend(model.p.iter().flat_map(|factor| factor.read.iter())),
            false => read.extend(model.factor(step.side, step.variable).into_iter().flat_map(|it| it.read.iter())),
        }
    }
    able.into_iter().filter(|id| !read.contains(*id)).collect()
}

/// The evidence that the steps read before they yield it, in the order of the file. What only an expert reads that drops out is
/// not read. A draw from q takes the place of evidence only in the records that lack it.
pub(super) fn read(model: &Model, evidence: &Evidence, steps: &[Step]) -> Vec<VariableId> {
    let (mut read, mut made): (VariableSet, VariableSet) = Default::default();
    let ends = ends_with_record(model);
    for step in steps {
        if step.side == Side::Q && model.sum.contains(step.variable) {
            // All of them are drawn at once, given what they depend on and the length of the record.
            let is_drawn = |id: VariableId| model.sum.contains(id) && !evidence.is_whole(id);
            if !made.contains(step.variable) {
                let all = joined(model, |id| !is_drawn(id) && (evidence.contains(id) || made.contains(id)));
                read.extend(all.into_iter().chain(model.length).filter(|id| !made.contains(*id)));
                made.extend(model.sum.variables().filter(|id| is_drawn(*id)));
            }
            continue;
        }
        let Some(factor) = model.factor(step.side, step.variable) else { continue };
        evidence.read_by(model, factor).runs().for_each(|run| read.include_beyond(run, &made));
        if step.side == Side::P || !evidence.partly().contains(step.variable) {
            made.insert(step.variable);
        }
        // Values that depend on the end of a record need the record's length.
        let is_step = model.variable(factor.variable).step.is_some();
        let mut networks = factor.networks();
        if networks.any(|network| network.lets().any(|id| ends[id.0] || is_end(model, id, is_step))) {
            read.extend(model.length);
        }
    }
    evidence.iter().filter(|id| read.contains(*id)).collect()
}

/// For each named network, whether it is a value that starts at the end of a record, reads another value at the end, or
/// reads such a value.
fn ends_with_record(model: &Model) -> Vec<bool> {
    let mut ends: Vec<bool> = Vec::with_capacity(model.nets.len());
    // Values are listed after those that they read.
    for (at, net) in model.nets.iter().enumerate() {
        let at_end = |id: NetId| ends[id.0] || is_end(model, id, net.step.is_some());
        let reads = matches!(&net.body, NetBody::Network(network) if network.lets().any(at_end));
        ends.push(reads || model.goes_on_from(NetId(at)).is_some());
    }
    ends
}

/// Whether a value is read at the end of each record: a forward recurrence that is read by something outside the
/// sequence.
fn is_end(model: &Model, read: NetId, by_step: bool) -> bool {
    !by_step && model.comes_from(read).is_some()
}

/// `x_y`; for a sequence the name of its family.
pub(super) fn names(model: &Model, ids: &[VariableId]) -> String {
    let mut all: Vec<&str> = Vec::new();
    for variable in ids.iter().map(|id| model.variable(*id)) {
        let name = if variable.step.is_some() { family(&variable.name) } else { variable.name.as_str() };
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all.join("_")
}

/// The variables of a kind, in the order of the file.
pub(super) fn of(model: &Model, kind: impl Fn(VariableId) -> bool) -> Vec<VariableId> {
    (0..model.variables.len()).map(VariableId).filter(|id| kind(*id)).collect()
}
