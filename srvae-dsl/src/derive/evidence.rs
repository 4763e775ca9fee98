//! What a mode is given.

use super::{drops_out, is_data, is_partly, parents_where};
use crate::graph::{Factor, Model, Parents, VariableId, VariableSet};
use std::borrow::Cow;

/// The variables that a mode is given.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    all: VariableSet,
    /// Those that a record may lack. The draws for a record are given what it has.
    partly: VariableSet,
}

impl Evidence {
    /// Variables that every record has.
    pub fn whole(all: impl IntoIterator<Item = VariableId>) -> Self {
        Self { all: all.into_iter().collect(), partly: VariableSet::default() }
    }

    /// The data, with the partly observed variables as far as each record has them.
    pub fn of_records(model: &Model) -> Self {
        let all = (0..model.variables.len()).map(VariableId);
        let all: VariableSet = all.filter(|id| is_data(model, *id) || is_partly(model, *id)).collect();
        let partly = all.iter().filter(|id| is_partly(model, *id)).collect();
        Self { all, partly }
    }

    /// In the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = VariableId> {
        self.all.iter()
    }

    pub fn contains(&self, id: VariableId) -> bool {
        self.all.contains(id)
    }

    /// Those that a record may lack.
    pub fn partly(&self) -> &VariableSet {
        &self.partly
    }

    /// Whether a variable is given for every record.
    pub fn is_whole(&self, id: VariableId) -> bool {
        self.all.contains(id) && !self.partly.contains(id)
    }

    /// The evidence without a variable that a record may lack.
    pub fn remove(&mut self, id: VariableId) {
        self.all.remove(id);
        self.partly.remove(id);
    }

    /// The parents that a factor of q reads in records that have all of the evidence.
    pub fn read_by<'m>(&self, model: &Model, factor: &'m Factor) -> Cow<'m, Parents> {
        parents_where(model, factor, |id| self.contains(id))
    }

    /// Those of these parents that a record needs for a draw from the factor.
    pub fn needed_by(&self, model: &Model, factor: &Factor) -> Vec<VariableId> {
        let parents = self.read_by(model, factor);
        parents.iter().filter(|parent| !self.is_optional(model, factor, *parent)).collect()
    }

    /// Whether a factor of q can be drawn from in records that lack one of its parents: it reads the parent only where a
    /// record has it.
    fn is_optional(&self, model: &Model, factor: &Factor, parent: VariableId) -> bool {
        self.partly.contains(parent) && (drops_out(model, factor.variable, parent) || !factor.read.contains(parent))
    }
}
