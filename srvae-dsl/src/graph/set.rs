//! Sets of variables as bit sets. Dependences are queried for every pair of steps of a long sequence, so they must be
//! fast.

use super::VariableId;

/// A set of variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariableSet {
    words: Vec<u64>,
}

impl VariableSet {
    /// Adds a variable. Returns whether it is new.
    pub fn insert(&mut self, id: VariableId) -> bool {
        let (word, bit) = (id.0 / 64, 1 << (id.0 % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_new
    }

    pub fn contains(&self, id: VariableId) -> bool {
        self.words.get(id.0 / 64).is_some_and(|word| word >> (id.0 % 64) & 1 == 1)
    }

    /// Adds every variable of another set.
    pub fn include(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// In the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = VariableId> {
        let words = self.words.iter().enumerate();
        words.flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.checked_sub(1)?;
                Some(VariableId(64 * at + bit))
            })
        })
    }

    /// The first variable that another set lacks.
    pub fn beyond(&self, other: &Self) -> Option<VariableId> {
        self.iter().find(|id| !other.contains(*id))
    }
}

impl FromIterator<VariableId> for VariableSet {
    fn from_iter<I: IntoIterator<Item = VariableId>>(ids: I) -> Self {
        let mut set = Self::default();
        set.extend(ids);
        set
    }
}

impl Extend<VariableId> for VariableSet {
    fn extend<I: IntoIterator<Item = VariableId>>(&mut self, ids: I) {
        ids.into_iter().for_each(|id| {
            self.insert(id);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_it() {
        let ids = [70, 3, 64, 3, 0].map(VariableId);
        let set: VariableSet = ids.into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3, 64, 70].map(VariableId));
        assert!(set.contains(VariableId(64)) && !set.contains(VariableId(65)) && !set.contains(VariableId(1000)));
        let mut small: VariableSet = [VariableId(3)].into_iter().collect();
        assert_eq!((small.beyond(&set), set.beyond(&small)), (None, Some(VariableId(0))));
        small.include(&set);
        assert_eq!(small, set);
        assert!(VariableSet::default().is_empty() && !set.is_empty());
    }
}
