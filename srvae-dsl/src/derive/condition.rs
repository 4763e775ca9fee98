//! The modes: which variables can be drawn given others, and from p or q.
//!
//! The evidence is closed under the functions of q whose inputs are known. An ancestor of evidence in p is inferred: it
//! is drawn from q, together with the variables that its factor of q reads. The ancestors in p of an inferred variable
//! are inferred too. All other variables are drawn from p in p's order. By the local Markov property of p this is
//! exact, because none of their descendants is known. The inferred variables are drawn in q's order. This is exact if q
//! is the posterior and no evidence is their descendant in q. If one of them cannot be drawn in this way, the mode does
//! not exist.
//!
//! A record may lack evidence that is a partly observed variable. Where p or q needs its value, the variable is inferred too,
//! and its draw is used in the records that lack it, as in the bound. The draws for a record are then given what it has.

use super::evidence::Evidence;
use super::mode::{CONDITIONAL, GENERATION, Mode, Step, names, read};
use super::reason::{Link, Obstacle, Reason};
use super::sums::joined;
use super::{is_deterministic, is_supplied};
use crate::graph::{Body, Factor, Model, NodeId, Role, Side, VariableId, VariableSet, family};
use std::collections::BTreeSet;

/// The mode that draws all other variables given the evidence, in the order of the file.
///
/// # Errors
/// The reason why it does not exist.
pub fn condition(model: &Model, evidence: &[VariableId]) -> Result<Mode, Reason> {
    let known = Evidence::whole(evidence.iter().copied());
    let steps = steps(model, &known)?;
    if steps.is_empty() {
        return Err(Reason::NothingToDraw);
    }
    let given = read(model, &known, &steps);
    let evidence: Vec<VariableId> = known.iter().collect();
    let ignored: Vec<VariableId> = known.iter().filter(|id| !given.contains(id)).collect();
    if !ignored.is_empty() {
        return Err(Reason::Ignored(ignored));
    }
    let name = match evidence.is_empty() {
        true => GENERATION.to_owned(),
        false => format!("{}_{}", CONDITIONAL, names(model, &evidence)),
    };
    Ok(Mode::new(model, (name, given, steps), &known))
}

/// The draws of all variables that are not evidence, or that q draws in records that lack them: inferred ones from q in q's
/// order, then the others from p in p's order.
pub(super) fn steps(model: &Model, evidence: &Evidence) -> Result<Vec<Step>, Reason> {
    let mut known = Known::new(model, evidence);
    known.close();
    known.infer_globals();
    known.infer_missing();
    known.infer()?;
    known.nothing_below()?;
    let from_q = model.q.iter().filter(|factor| known.is_drawn_from_q(factor.variable));
    let from_sum = model.sum.turns.iter().map(|turn| turn.variable).filter(|id| model.sum.contains(*id));
    let from_sum = from_sum.filter(|id| known.is_drawn_from_q(*id)).map(|variable| Step { variable, side: Side::Q });
    let from_p: Vec<&Factor> = model.p.iter().filter(|factor| !known.contains(factor.variable)).collect();
    for factor in &from_p {
        let is_missing = |id: &VariableId| model.variable(*id).role == Role::Given && !known.contains(*id);
        if let Some(needs) = factor.parents.iter().find(is_missing) {
            return Err(Reason::NotGiven { factor: factor.variable, needs });
        }
    }
    let step = |factor: &Factor| Step { variable: factor.variable, side: factor.side };
    Ok(from_q.map(step).chain(from_sum).chain(from_p.into_iter().map(step)).collect())
}

/// A missing variable, if every expert of a product or component of a mixture reads one, so that none would remain.
fn no_expert_left(model: &Model, factor: &Factor, is_evidence: impl Fn(VariableId) -> bool) -> Option<VariableId> {
    let Body::Stochastic { network: Some(network), .. } = &factor.body else { return None };
    let (experts, _) = network.experts()?;
    let missing = |(expert, _): &(NodeId, u32)| {
        let is_missing = |id: &VariableId| super::drops_out(model, factor.variable, *id) && !is_evidence(*id);
        network.reads_above(*expert, &model.nets).values.iter().find(is_missing)
    };
    experts.iter().map(missing).collect::<Option<Vec<_>>>()?.first().copied()
}

/// Refuses to draw from a factor of q of which the data leave no expert.
///
/// # Errors
/// The variable that would be needed.
pub(super) fn has_an_expert(model: &Model, factor: &Factor, data: &Evidence) -> Result<(), Reason> {
    match no_expert_left(model, factor, |id| data.contains(id)) {
        Some(missing) => {
            let (variable, obstacle) = (factor.variable, Obstacle::Needs(missing));
            Err(Reason::NotInferred { chain: Vec::new(), variable, obstacle })
        }
        None => Ok(()),
    }
}

/// The state of each variable.
struct Known<'m> {
    model: &'m Model,
    evidence: &'m Evidence,
    /// The factors of p and of q, by variable.
    p: Vec<Option<&'m Factor>>,
    q: Vec<Option<&'m Factor>>,
    /// By variable.
    state: Vec<State>,
    /// Drawn from q, in the order in which the need was found.
    inferred: Vec<VariableId>,
    /// Whether one of them is summed out of p, and so all that the sum reads are inferred.
    has_sum: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// Given, at least for the records that have it.
    Evidence,
    /// A function of q whose input is known.
    Computed,
    /// Drawn from q, and the reason (none for a global variable and for evidence that a record may lack).
    Inferred(Option<Link>),
}

impl<'m> Known<'m> {
    fn new(model: &'m Model, evidence: &'m Evidence) -> Self {
        let mut state = vec![State::Open; model.variables.len()];
        evidence.iter().for_each(|id| state[id.0] = State::Evidence);
        let (mut p, mut q) = (vec![None; state.len()], vec![None; state.len()]);
        model.p.iter().for_each(|factor| p[factor.variable.0] = Some(factor));
        model.q.iter().for_each(|factor| q[factor.variable.0] = Some(factor));
        Self { model, evidence, p, q, state, inferred: Vec::new(), has_sum: false }
    }

    fn is_drawn_from_q(&self, id: VariableId) -> bool {
        matches!(self.state[id.0], State::Computed | State::Inferred(_))
    }

    fn contains(&self, id: VariableId) -> bool {
        self.state[id.0] != State::Open
    }

    /// Adds the functions of q whose inputs are known.
    fn close(&mut self) {
        for factor in self.model.q.iter().filter(|factor| is_deterministic(factor) && !is_supplied(factor)) {
            if !self.contains(factor.variable) && factor.parents.iter().all(|parent| self.contains(parent)) {
                self.state[factor.variable.0] = State::Computed;
            }
        }
    }

    /// Infers global variables. The training data are evidence for them, whatever else is known.
    fn infer_globals(&mut self) {
        let globals = self.model.q.iter().map(|factor| factor.variable).filter(|id| super::is_global(self.model, *id));
        for variable in globals.collect::<Vec<_>>() {
            self.add(variable, None);
        }
    }

    /// Infers the evidence that a record may lack and whose value p needs.
    fn infer_missing(&mut self) {
        let (model, partly) = (self.model, self.evidence.partly());
        if partly.is_empty() {
            return;
        }
        let read: VariableSet = model.p.iter().flat_map(|factor| factor.parents.iter()).collect();
        let name = |id: VariableId| family(&model.variable(id).name);
        // All members of a family are treated alike, also those that p does not read, such as the last step.
        let families: BTreeSet<&str> = partly.iter().filter(|id| read.contains(*id)).map(name).collect();
        let is_drawn = |id: VariableId| families.contains(name(id)) && self.q[id.0].is_some();
        let missing: Vec<VariableId> = partly.iter().filter(|id| is_drawn(*id) || model.sum.contains(*id)).collect();
        missing.into_iter().for_each(|id| self.add(id, None));
    }

    /// Infers the ancestors of known variables, and the variables that q reads to draw them.
    fn infer(&mut self) -> Result<(), Reason> {
        let ids = (0..self.state.len()).map(VariableId);
        let computed: Vec<VariableId> = ids.filter(|id| self.state[id.0] == State::Computed).collect();
        for id in self.evidence.iter().chain(computed) {
            self.infer_above(id);
        }
        let mut done = 0;
        while let Some(variable) = self.inferred.get(done).copied() {
            done += 1;
            let refuse = |known: &Self, obstacle| Err(known.refused(variable, obstacle));
            if self.model.sum.contains(variable) {
                if let Some(missing) = self.infer_sum(variable) {
                    return refuse(self, Obstacle::Needs(missing));
                }
                continue;
            }
            let Some(factor) = self.q[variable.0] else { return refuse(self, Obstacle::NoFactor) };
            if is_supplied(factor) {
                return refuse(self, Obstacle::Supplied);
            }
            if let Some(missing) = no_expert_left(self.model, factor, |id| self.evidence.contains(id)) {
                return refuse(self, Obstacle::Needs(missing));
            }
            for parent in self.evidence.needed_by(self.model, factor) {
                let comes_with_data = matches!(self.model.variable(parent).role, Role::Observed | Role::Given);
                if comes_with_data && !self.contains(parent) {
                    return refuse(self, Obstacle::Needs(parent));
                }
                self.add(parent, Some(Link::ReadBy { variable: parent, reader: variable }));
            }
            self.infer_above(variable);
        }
        Ok(())
    }

    /// Infers the latents that are summed out, which are drawn together, and what they depend on. Returns a variable of the
    /// data that is among these and not known.
    fn infer_sum(&mut self, variable: VariableId) -> Option<VariableId> {
        if std::mem::replace(&mut self.has_sum, true) {
            return None;
        }
        let model = self.model;
        let is_known = |id| if model.sum.contains(id) { self.evidence.is_whole(id) } else { self.contains(id) };
        for id in joined(model, is_known).into_iter().filter(|id| *id != variable) {
            let is_drawn = matches!(model.variable(id).role, Role::Latent | Role::Global) || model.sum.contains(id);
            if !is_drawn && !self.contains(id) {
                return Some(id);
            }
            // The sum leaves out the factor of a variable that a record lacks; one that p reads is inferred already.
            if is_drawn {
                self.add(id, Some(Link::ReadBy { variable: id, reader: variable }));
            }
        }
        None
    }

    /// Infers the parents in p. A given variable has no distribution.
    fn infer_above(&mut self, below: VariableId) {
        let Some(factor) = self.p[below.0] else { return };
        for parent in factor.parents.iter() {
            if self.model.variable(parent).role != Role::Given {
                self.add(parent, Some(Link::Above { variable: parent, below }));
            }
        }
    }

    fn add(&mut self, id: VariableId, link: Option<Link>) {
        let may_lack = self.state[id.0] == State::Evidence && self.evidence.partly().contains(id);
        if !self.contains(id) || may_lack {
            self.state[id.0] = State::Inferred(link);
            self.inferred.push(id);
        }
    }

    /// Refuses evidence that is a descendant in q of a drawn variable, because the drawn variable's factor of q does
    /// not depend on it. What a record may lack, q draws where it is missing, so this order is part of q.
    fn nothing_below(&self) -> Result<(), Reason> {
        let mut below: Vec<Option<VariableId>> = vec![None; self.state.len()];
        for evidence in self.evidence.iter().filter(|id| self.evidence.is_whole(*id)) {
            let mut above = vec![evidence];
            while let Some(at) = above.pop() {
                for parent in self.q[at.0].iter().flat_map(|factor| factor.read.iter()) {
                    // Experts of a factor that q draws before the evidence read it where it is known.
                    let is_read = self.q[parent.0].is_some_and(|factor| {
                        factor.parents.contains(evidence)
                            && self.evidence.read_by(self.model, factor).contains(evidence)
                    });
                    if below[parent.0].is_none() && !is_read {
                        below[parent.0] = Some(evidence);
                        above.push(parent);
                    }
                }
            }
        }
        for variable in &self.inferred {
            let is_drawn = !self.q[variable.0].is_some_and(is_deterministic);
            if let (true, Some(below)) = (is_drawn, below[variable.0]) {
                return Err(self.refused(*variable, Obstacle::Below(below)));
            }
        }
        Ok(())
    }

    fn refused(&self, variable: VariableId, obstacle: Obstacle) -> Reason {
        Reason::NotInferred { chain: self.chain(variable), variable, obstacle }
    }

    /// The chain from the evidence to a variable that must be inferred. Consecutive steps through p are merged.
    fn chain(&self, variable: VariableId) -> Vec<Link> {
        let link = |id: VariableId| match self.state[id.0] {
            State::Inferred(link) => link,
            State::Open | State::Evidence | State::Computed => None,
        };
        let (mut chain, mut at) = (Vec::new(), variable);
        while let Some(found) = link(at) {
            let below = match found {
                Link::ReadBy { reader, .. } => {
                    chain.insert(0, found);
                    reader
                }
                Link::Above { mut below, .. } => {
                    while let Some(Link::Above { below: further, .. }) = link(below) {
                        below = further;
                    }
                    chain.insert(0, Link::Above { variable: at, below });
                    below
                }
            };
            at = below;
        }
        chain
    }
}
