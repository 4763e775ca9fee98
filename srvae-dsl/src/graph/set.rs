//! Sets of variables as bit sets. Dependences are queried for every pair of steps of a long sequence, so they must be
//! fast.

use super::VariableId;
use std::ops::Range;

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

    pub fn remove(&mut self, id: VariableId) {
        if let Some(word) = self.words.get_mut(id.0 / 64) {
            *word &= !(1 << (id.0 % 64));
        }
    }

    /// The first variable of the set among consecutive ones, given by their positions.
    pub fn first_of(&self, run: Range<usize>) -> Option<VariableId> {
        let words = run.start / 64..run.end.div_ceil(64).min(self.words.len());
        words.into_iter().find_map(|at| {
            let own = self.words[at] & bits(&run, at);
            (own != 0).then(|| VariableId(64 * at + own.trailing_zeros() as usize))
        })
    }

    /// Adds those of consecutive variables that another set lacks.
    pub fn include_beyond(&mut self, run: Range<usize>, other: &Self) {
        let words = run.end.div_ceil(64);
        if self.words.len() < words {
            self.words.resize(words, 0);
        }
        for at in run.start / 64..words {
            self.words[at] |= bits(&run, at) & !other.words.get(at).copied().unwrap_or(0);
        }
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

/// The bits of a run of positions in the word at a place.
fn bits(run: &Range<usize>, at: usize) -> u64 {
    let (from, to) = (run.start.max(64 * at) - 64 * at, run.end.min(64 * (at + 1)).saturating_sub(64 * at));
    let below = |count: usize| if count >= 64 { u64::MAX } else { (1 << count) - 1 };
    below(to) & !below(from)
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
    fn runs_are_found_and_added() {
        let mut set: VariableSet = [3, 64, 70, 130].map(VariableId).into_iter().collect();
        let first = |set: &VariableSet, run| set.first_of(run).map(|id| id.0);
        assert_eq!(
            [first(&set, 0..200), first(&set, 4..200), first(&set, 65..70), first(&set, 64..65)],
            [Some(3), Some(64), None, Some(64)]
        );
        assert_eq!(
            [first(&set, 71..130), first(&set, 128..500), first(&set, 4..4), first(&set, 700..900)],
            [None, Some(130), None, None]
        );
        set.remove(VariableId(64));
        set.remove(VariableId(900));
        assert_eq!(first(&set, 4..200), Some(70));
        let mut more = VariableSet::default();
        more.include_beyond(62..132, &set);
        assert_eq!(more.iter().count(), 70 - 2);
        assert!(more.contains(VariableId(62)) && more.contains(VariableId(131)) && !more.contains(VariableId(70)));
        assert!(!more.contains(VariableId(61)) && !more.contains(VariableId(132)) && !more.contains(VariableId(130)));
    }

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
