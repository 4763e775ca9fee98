//! The members of families over one index.

use crate::graph::VariableId;
use std::collections::BTreeMap;
use std::ops::Range;

/// The variables of a family over one index, by its values.
#[derive(Debug, Default)]
pub(super) struct Members {
    by_value: BTreeMap<i64, VariableId>,
    /// Whether some value and its variable do not follow the last ones.
    has_gaps: bool,
}

impl Members {
    /// Adds a member, unless there is one of this value.
    pub fn insert(&mut self, value: i64, id: VariableId) {
        if let Some((last, before)) = self.by_value.last_key_value() {
            self.has_gaps |= (last + 1, before.0 + 1) != (value, id.0);
        }
        self.by_value.entry(value).or_insert(id);
    }

    pub fn all(&self) -> impl Iterator<Item = VariableId> {
        self.by_value.values().copied()
    }

    /// The members from one value to another, as runs of positions of variables.
    pub fn between(&self, first: i64, last: i64) -> Vec<Range<usize>> {
        let ends = self.by_value.range(first..=last);
        match (ends.clone().next(), ends.clone().next_back()) {
            (Some((_, one)), Some((_, two))) if !self.has_gaps => std::iter::once(one.0..two.0 + 1).collect(),
            _ => ends.map(|(_, id)| id.0..id.0 + 1).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_in_order_are_one_run() {
        let family = |members: &[(i64, usize)]| {
            let mut family = Members::default();
            members.iter().for_each(|(value, id)| family.insert(*value, VariableId(*id)));
            family
        };
        let steps = family(&[(1, 4), (2, 5), (3, 6), (4, 7)]);
        let between = |family: &Members, first, last| -> Vec<(usize, usize)> {
            family.between(first, last).into_iter().map(|run| (run.start, run.end)).collect()
        };
        assert_eq!(between(&steps, 2, 4), [(5, 8)]);
        assert_eq!(between(&steps, 2, 9), [(5, 8)]);
        assert!(between(&steps, 7, 9).is_empty());
        // In the order of the values, not of the variables.
        let down = family(&[(3, 4), (2, 5), (1, 6)]);
        assert_eq!(between(&down, 1, 2), [(6, 7), (5, 6)]);
        let apart = family(&[(8, 0), (16, 1)]);
        assert_eq!(between(&apart, 8, 16), [(0, 1), (1, 2)]);
        assert_eq!(apart.all().collect::<Vec<_>>(), [VariableId(0), VariableId(1)]);
    }
}
