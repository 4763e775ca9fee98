//! What can be drawn given some variables, and from which side.
//!
//! The evidence is closed under the functions of q whose inputs are known. A variable that stands above evidence in p is
//! inferred: drawn from q, together with whatever its factor of q reads. Inferring a variable is like giving it: what stands
//! above it in p is inferred too. Everything else is drawn from p in p's order, which the local Markov property of p makes
//! exact, for nothing below it is known. The inferred variables are drawn in q's order, which is exact where q is the
//! posterior and none of the evidence stands below them in q. Where one of them cannot be drawn so, there is no such mode.

use super::modes::{Mode, Step};
use super::{is_deterministic, is_supplied};
use crate::graph::{Body, Factor, Model, NodeId, Role, Side, VariableId, VariableSet};

/// Why a mode does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A variable must be inferred and cannot be; the chain leads from the evidence to it.
    NotInferred { chain: Vec<Link>, variable: VariableId, obstacle: Obstacle },
    /// A factor of p reads a given variable that is not among the evidence.
    NotGiven { factor: VariableId, needs: VariableId },
    /// A factor or a value reads a variable of a later step, which a record that ends before that does not have.
    ReadsLater { reader: String, later: VariableId },
    /// Nothing that would be drawn depends on this.
    Ignored(VariableId),
    /// Nothing that would be drawn depends on the data.
    IgnoresData,
    /// Every variable is given.
    NothingToDraw,
}

/// Why a variable must be inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It stands above another one in p.
    Above { variable: VariableId, below: VariableId },
    /// The factor of q of another one reads it.
    ReadBy { variable: VariableId, reader: VariableId },
}

/// What keeps a variable from being inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It has no factor in q.
    NoFactor,
    /// Its factor of q is the data set's label, which is not among the evidence.
    Supplied,
    /// Its factor of q reads this, which is neither known nor can be inferred.
    Needs(VariableId),
    /// This is known, and q draws it from the variable: its factor of q does not take it into account.
    Below(VariableId),
}

/// The mode that draws everything else given the evidence, in the order of the file.
///
/// # Errors
/// Why there is none.
pub fn condition(model: &Model, evidence: &[VariableId]) -> Result<Mode, Reason> {
    let steps = steps(model, evidence)?;
    if steps.is_empty() {
        return Err(Reason::NothingToDraw);
    }
    let given = super::modes::read(model, evidence, &steps);
    let known: VariableSet = evidence.iter().copied().collect();
    let evidence: Vec<VariableId> = known.iter().collect();
    if let Some(ignored) = known.beyond(&given.iter().copied().collect()).as_ref() {
        return Err(Reason::Ignored(*ignored));
    }
    let name = match evidence.is_empty() {
        true => super::modes::GENERATION.to_owned(),
        false => format!("{}_{}", super::modes::CONDITIONAL, super::modes::names(model, &evidence)),
    };
    Ok(Mode { name, given, steps, switch: None })
}

/// The draws of everything that the evidence leaves open: what is inferred from q in q's order, then the rest from p in p's.
pub(super) fn steps(model: &Model, evidence: &[VariableId]) -> Result<Vec<Step>, Reason> {
    let mut known = Known::new(model, evidence);
    known.close();
    known.infer_globals();
    known.infer()?;
    known.nothing_below()?;
    let from_q = model.q.iter().filter(|factor| known.is_drawn_from_q(factor.variable));
    let from_p: Vec<&Factor> = model.p.iter().filter(|factor| !known.contains(factor.variable)).collect();
    for factor in &from_p {
        let is_missing = |id: &VariableId| model.variable(*id).role == Role::Given && !known.contains(*id);
        if let Some(needs) = factor.parents.iter().find(is_missing) {
            return Err(Reason::NotGiven { factor: factor.variable, needs });
        }
    }
    let all = from_q.chain(from_p);
    Ok(all.map(|factor| Step { variable: factor.variable, side: factor.side }).collect())
}

/// The variables that are not left to p.
struct Known<'m> {
    model: &'m Model,
    evidence: &'m [VariableId],
    /// The factors of p and of q, by variable.
    p: Vec<Option<&'m Factor>>,
    q: Vec<Option<&'m Factor>>,
    /// What is known of each variable.
    state: Vec<State>,
    /// Drawn from q, in the order they were found to be needed.
    inferred: Vec<VariableId>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Evidence,
    /// A function of q whose input is known.
    Computed,
    /// Drawn from q, with the reason.
    Inferred(Link),
}

impl<'m> Known<'m> {
    fn new(model: &'m Model, evidence: &'m [VariableId]) -> Self {
        let mut state = vec![State::Open; model.variables.len()];
        evidence.iter().for_each(|id| state[id.0] = State::Evidence);
        let (mut p, mut q) = (vec![None; state.len()], vec![None; state.len()]);
        model.p.iter().for_each(|factor| p[factor.variable.0] = Some(factor));
        model.q.iter().for_each(|factor| q[factor.variable.0] = Some(factor));
        Self { model, evidence, p, q, state, inferred: Vec::new() }
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

    /// Adds what is the same for all records: those that trained the model are evidence for it, whatever else is known.
    fn infer_globals(&mut self) {
        let globals = self.model.q.iter().map(|factor| factor.variable).filter(|id| super::is_global(self.model, *id));
        for variable in globals.collect::<Vec<_>>() {
            self.add(variable, Link::Above { variable, below: variable });
        }
    }

    /// Adds what stands above what is known, and what q reads to draw it.
    fn infer(&mut self) -> Result<(), Reason> {
        let ids = (0..self.state.len()).map(VariableId);
        let computed: Vec<VariableId> = ids.filter(|id| self.state[id.0] == State::Computed).collect();
        for id in self.evidence.iter().copied().chain(computed) {
            self.infer_above(id);
        }
        let mut done = 0;
        while let Some(variable) = self.inferred.get(done).copied() {
            done += 1;
            let refuse = |known: &Self, obstacle| Err(known.refused(variable, obstacle));
            let Some(factor) = self.q[variable.0] else { return refuse(self, Obstacle::NoFactor) };
            if is_supplied(factor) {
                return refuse(self, Obstacle::Supplied);
            }
            if let Some(missing) = self.no_expert_left(factor) {
                return refuse(self, Obstacle::Needs(missing));
            }
            for parent in factor.parents.iter() {
                // An expert that reads what is missing drops out.
                if super::drops_out(self.model, parent) && !self.contains(parent) {
                    continue;
                }
                let comes_with_data = matches!(self.model.variable(parent).role, Role::Observed | Role::Given);
                if comes_with_data && !self.contains(parent) {
                    return refuse(self, Obstacle::Needs(parent));
                }
                self.add(parent, Link::ReadBy { variable: parent, reader: variable });
            }
            self.infer_above(variable);
        }
        Ok(())
    }

    /// What is missing where every expert of a product reads something missing: nothing of the evidence would be left in it.
    fn no_expert_left(&self, factor: &Factor) -> Option<VariableId> {
        let Body::Stochastic { network: Some(network), .. } = &factor.body else { return None };
        let (experts, _) = network.experts()?;
        let missing = |(expert, _): &(NodeId, u32)| {
            let is_missing = |id: &VariableId| super::drops_out(self.model, *id) && !self.contains(*id);
            network.variables_above(*expert, &self.model.nets).iter().find(is_missing)
        };
        experts.iter().map(missing).collect::<Option<Vec<_>>>()?.first().copied()
    }

    /// The parents in p; a given variable has no distribution that could be asked for.
    fn infer_above(&mut self, below: VariableId) {
        let Some(factor) = self.p[below.0] else { return };
        for parent in factor.parents.iter() {
            if self.model.variable(parent).role != Role::Given {
                self.add(parent, Link::Above { variable: parent, below });
            }
        }
    }

    fn add(&mut self, id: VariableId, link: Link) {
        if !self.contains(id) {
            self.state[id.0] = State::Inferred(link);
            self.inferred.push(id);
        }
    }

    /// No evidence may stand below a drawn variable in q, for its factor of q does not know of it.
    fn nothing_below(&self) -> Result<(), Reason> {
        let mut below: Vec<Option<VariableId>> = vec![None; self.state.len()];
        for evidence in self.evidence {
            let mut above = vec![*evidence];
            while let Some(at) = above.pop() {
                for parent in self.q[at.0].iter().flat_map(|factor| factor.parents.iter()) {
                    if below[parent.0].is_none() {
                        below[parent.0] = Some(*evidence);
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

    /// From the evidence to a variable that must be inferred; steps up through p are one.
    fn chain(&self, variable: VariableId) -> Vec<Link> {
        let link = |id: VariableId| match self.state[id.0] {
            State::Inferred(link) => Some(link),
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

impl Reason {
    /// In words: `u stands above y in p, and q(u | x) needs x`.
    pub fn text(&self, model: &Model) -> String {
        let name = |id: &VariableId| model.variable(*id).name.as_str();
        match self {
            Self::NotInferred { chain, variable, obstacle } => {
                let q = head(model, Side::Q, *variable);
                let links = chain.iter().map(|link| match link {
                    Link::Above { variable, below } => format!("{} stands above {} in p", name(variable), name(below)),
                    Link::ReadBy { variable, reader } => {
                        format!("{} reads {}", head(model, Side::Q, *reader), name(variable))
                    }
                });
                let end = match obstacle {
                    Obstacle::NoFactor => format!("q has no factor for {}", name(variable)),
                    Obstacle::Supplied => format!("{q} is the data set's label, which is not given"),
                    Obstacle::Needs(needs) => format!("{q} needs {}", name(needs)),
                    Obstacle::Below(below) => {
                        format!("{q} does not read {}, which q draws after it", name(below))
                    }
                };
                links.collect::<Vec<_>>().join(", ") + ", and " + &end
            }
            Self::NotGiven { factor, needs } => {
                format!("{} needs {}, which is not given", head(model, Side::P, *factor), name(needs))
            }
            Self::ReadsLater { reader, later } => {
                format!("{reader} reads {}, which a record may not have", name(later))
            }
            Self::Ignored(ignored) => format!("nothing that would be drawn depends on {}", name(ignored)),
            Self::IgnoresData => "nothing that would be drawn depends on the data".to_owned(),
            Self::NothingToDraw => "every variable is given".to_owned(),
        }
    }
}

/// `q(u | x)`.
pub(super) fn head(model: &Model, side: Side, id: VariableId) -> String {
    let factor = match side {
        Side::P => model.p_of(id),
        Side::Q => model.q_of(id),
    };
    let parents = factor.map_or_else(Vec::new, |factor| model.listed(&factor.parents));
    let bar = if parents.is_empty() { "" } else { " | " };
    format!("{}({}{bar}{})", side.name(), model.variable(id).name, parents.join(", "))
}
