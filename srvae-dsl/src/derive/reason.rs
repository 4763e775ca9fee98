//! Why a mode does not exist, in words.

use crate::graph::{Model, Side, Spelling, VariableId};

/// Why a mode does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A variable must be inferred but cannot be. The chain leads from the evidence to it.
    NotInferred { chain: Vec<Link>, variable: VariableId, obstacle: Obstacle },
    /// A factor of p reads a given variable that is not evidence.
    NotGiven { factor: VariableId, needs: VariableId },
    /// A factor or a value reads a variable of a later step, which does not exist in a record that ends before it.
    ReadsLater { reader: String, later: VariableId },
    /// No drawn variable depends on this part of the evidence.
    Ignored(Vec<VariableId>),
    /// No drawn variable depends on the data.
    IgnoresData,
    /// Every variable is given.
    NothingToDraw,
}

/// The reason why a variable must be inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It is a parent of another variable in p.
    Above { variable: VariableId, below: VariableId },
    /// The factor of q of another variable reads it.
    ReadBy { variable: VariableId, reader: VariableId },
}

/// The reason why a variable cannot be inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It has no factor in q.
    NoFactor,
    /// Its factor of q is the data set's label, which is not evidence.
    Supplied,
    /// Its factor of q reads this variable, which is neither known nor can be inferred.
    Needs(VariableId),
    /// This variable is known, and q draws it from the variable to be inferred, whose factor of q does not take it into
    /// account.
    Below(VariableId),
}

impl Reason {
    /// In words: `u is an ancestor of y in p, and q(u | x) needs x`.
    pub fn text(&self, model: &Model) -> String {
        let name = |id: &VariableId| model.variable(*id).name.as_str();
        let text = match self {
            Self::NotInferred { chain, variable, obstacle } => {
                let q = head(model, Side::Q, *variable);
                let links = chain.iter().map(|link| match link {
                    Link::Above { variable, below } => {
                        format!("{} is an ancestor of {} in p", name(variable), name(below))
                    }
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
                let links: Vec<String> = links.collect();
                if links.is_empty() { end } else { format!("{}, and {end}", links.join(", ")) }
            }
            Self::NotGiven { factor, needs } => {
                format!("{} needs {}, which is not given", head(model, Side::P, *factor), name(needs))
            }
            Self::ReadsLater { reader, later } => {
                format!("{reader} reads {}, which a record may lack", name(later))
            }
            Self::Ignored(ignored) => {
                let names = model.listed(&ignored.iter().copied().collect()).join(" and ");
                let them = if ignored.len() > 1 { "them" } else { "it" };
                format!("no drawn variable depends on {names}; omit {them}")
            }
            Self::IgnoresData => "no drawn variable depends on the data".to_owned(),
            Self::NothingToDraw => "every variable is given".to_owned(),
        };
        Spelling::of(model).text(&text)
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
