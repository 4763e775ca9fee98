//! What a network or a value reads.

use super::{VariableId, VariableSet};

/// The variables on which a network or a value (`let`) depends, directly or through other values.
#[derive(Debug, Clone, Default)]
pub struct Dependences {
    /// Those whose values it reads.
    pub values: VariableSet,
    /// Partly observed variables that it reads through `known`. This is a function of the data alone.
    pub known: VariableSet,
}

impl Dependences {
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.known.is_empty()
    }

    /// Adds what another network reads.
    pub fn include(&mut self, other: &Self) {
        self.values.include(&other.values);
        self.known.include(&other.known);
    }

    /// A variable that it reads and that is not in a set.
    pub fn beyond(&self, set: &VariableSet) -> Option<VariableId> {
        self.values.beyond(set).or_else(|| self.known.beyond(set))
    }

    /// All variables that it reads. Those that it reads in both ways come twice.
    pub fn iter(&self) -> impl Iterator<Item = VariableId> {
        self.values.iter().chain(self.known.iter())
    }

    /// All variables that it reads.
    pub fn all(mut self) -> VariableSet {
        self.values.include(&self.known);
        self.values
    }
}
