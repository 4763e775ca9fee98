//! The parents of a factor. In a long sequence, steps read all earlier ones, so consecutive variables are stored as one
//! run.

use super::VariableId;
use std::ops::Range;

/// Variables in the order written, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parents {
    /// Positions of variables.
    runs: Vec<Range<usize>>,
}

impl Parents {
    /// Adds a variable at the end.
    pub fn push(&mut self, id: VariableId) {
        match self.runs.last_mut() {
            Some(run) if run.end == id.0 => run.end += 1,
            _ => self.runs.push(id.0..id.0 + 1),
        }
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = VariableId> + Clone {
        self.runs.iter().flat_map(|run| run.clone().map(VariableId))
    }

    /// Runs of consecutive variables, by position.
    pub fn runs(&self) -> impl Iterator<Item = Range<usize>> {
        self.runs.iter().cloned()
    }

    pub fn contains(&self, id: VariableId) -> bool {
        self.runs.iter().any(|run| run.contains(&id.0))
    }

    pub fn first(&self) -> Option<VariableId> {
        self.runs.first().map(|run| VariableId(run.start))
    }

    pub fn len(&self) -> usize {
        self.runs.iter().map(Range::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

impl FromIterator<VariableId> for Parents {
    fn from_iter<I: IntoIterator<Item = VariableId>>(ids: I) -> Self {
        let mut parents = Self::default();
        ids.into_iter().for_each(|id| parents.push(id));
        parents
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_follow_one_another_are_one_run() {
        let ids = [4, 5, 6, 2, 3, 0].map(VariableId);
        let parents: Parents = ids.into_iter().collect();
        assert_eq!(parents.runs().collect::<Vec<_>>(), [4..7, 2..4, 0..1]);
        assert_eq!(parents.iter().collect::<Vec<_>>(), ids);
        assert_eq!((parents.len(), parents.first()), (6, Some(VariableId(4))));
        assert!(parents.contains(VariableId(3)) && !parents.contains(VariableId(1)));
        assert!(Parents::default().is_empty() && !parents.is_empty());
    }
}
