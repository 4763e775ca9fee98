//! Items of lists of names, for rows that are joined.

use crate::graph::Piece;

/// The members of a family that differ only in their first index: the name of the family, and the other indices. Also another
/// name, which has no indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'p> {
    pub name: &'p str,
    pub others: Vec<Other<'p>>,
}

/// What a name has in the place of an index after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other<'p> {
    /// The values from one to another.
    Values(i64, i64),
    /// The index of joined rows.
    Index(&'p str),
}

/// An item of a row's list: a name, or members of a line from one value to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'p> {
    pub line: Line<'p>,
    pub ends: Option<(i64, i64)>,
}

impl<'p> Item<'p> {
    fn of(piece: Piece<'p>) -> Self {
        let line = |name| Line { name, others: Vec::new() };
        match piece {
            Piece::Run(name, first, last) => Self { line: line(name), ends: Some((first, last)) },
            Piece::Name(name) => {
                let selectors = name.strip_suffix(']').and_then(|name| name.split_once('['));
                let member = selectors.and_then(|(family, selectors)| Self::member(family, selectors));
                member.unwrap_or_else(|| Self { line: line(name), ends: None })
            }
        }
    }

    /// Members of a family by the selectors of a name, `3,1..2`. None if one of them is no number.
    pub fn member(family: &'p str, selectors: &str) -> Option<Self> {
        let mut ranges = selectors.split(',').map(|selector| {
            let (first, last) = selector.split_once("..").unwrap_or((selector, selector));
            Some((first.parse::<i64>().ok()?, last.parse::<i64>().ok()?))
        });
        let ends = ranges.next()??;
        let others = ranges.map(|range| range.map(|(first, last)| Other::Values(first, last)));
        Some(Self { line: Line { name: family, others: others.collect::<Option<_>>()? }, ends: Some(ends) })
    }

    /// This item and the next one as one, if they are consecutive in one index and equal in all others.
    pub fn with(&self, next: &Self) -> Option<Self> {
        let (Some((first, last)), Some((from, to))) = (self.ends, next.ends) else { return None };
        if self.line.name != next.line.name || self.line.others.len() != next.line.others.len() {
            return None;
        }
        let pairs = self.line.others.iter().zip(&next.line.others);
        let mut apart = pairs.enumerate().filter(|(_, (one, other))| one != other);
        match (apart.next(), apart.next()) {
            (None, _) => (last + 1 == from).then(|| Self { ends: Some((first, to)), ..self.clone() }),
            (Some((at, (Other::Values(one, end), Other::Values(start, other)))), None)
                if end + 1 == *start && (first, last) == (from, to) =>
            {
                let mut joined = self.clone();
                joined.line.others[at] = Other::Values(*one, *other);
                Some(joined)
            }
            _ => None,
        }
    }
}

/// Items of pieces, where members of a grid are one.
pub fn items<'p>(pieces: impl IntoIterator<Item = Piece<'p>>) -> Vec<Item<'p>> {
    let mut all = joined(pieces.into_iter().map(Item::of));
    // The rows of a grid have become items; then they become one.
    loop {
        let before = all.len();
        all = joined(all.into_iter());
        if all.len() == before {
            return all;
        }
    }
}

fn joined<'p>(items: impl Iterator<Item = Item<'p>>) -> Vec<Item<'p>> {
    let mut all: Vec<Item<'p>> = Vec::new();
    for item in items {
        let with = all.last().filter(|last| !last.line.others.is_empty()).and_then(|last| last.with(&item));
        match (with, all.last_mut()) {
            (Some(with), Some(last)) => *last = with,
            _ => all.push(item),
        }
    }
    all
}

/// An end of a range of members: a value of the index, its distance to the member of the row, or another index of joined rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'p> {
    At(i64),
    Near(i64),
    Index(&'p str),
}

impl End<'_> {
    /// The value for a row's member. None for another index, which rows have once they are joined.
    fn value(self, own: i64) -> Option<i64> {
        match self {
            Self::At(value) => Some(value),
            Self::Near(distance) => Some(own + distance),
            Self::Index(_) => None,
        }
    }
}

/// The ends of a range.
pub type Range<'p> = (End<'p>, End<'p>);

/// An item of a list, of all rows that are joined: a name, or a range with its possible ends.
#[derive(Debug, Clone)]
pub struct Slot<'p> {
    pub line: Line<'p>,
    pub ends: Option<Vec<Range<'p>>>,
}

impl<'p> Slot<'p> {
    /// A row's item; `own` is the row's member.
    pub fn of(item: &Item<'p>, own: Option<i64>) -> Self {
        let ends = item.ends.map(|(first, last)| {
            let ways = |end: i64| [Some(End::At(end)), own.map(|own| End::Near(end - own))].into_iter().flatten();
            ways(first).flat_map(|first| ways(last).map(move |last| (first, last))).collect()
        });
        Self { line: item.line.clone(), ends }
    }

    /// With only those ends for which a predicate holds. None if there are none.
    pub fn retained(&self, holds: impl Fn(i64, i64) -> bool, own: i64) -> Option<Self> {
        let holds = |(first, last): &Range<'p>| match (first.value(own), last.value(own)) {
            (Some(first), Some(last)) => holds(first, last),
            _ => false,
        };
        let ends: Vec<_> = self.ends.as_ref()?.iter().copied().filter(holds).collect();
        (!ends.is_empty()).then_some(Self { line: self.line.clone(), ends: Some(ends) })
    }

    /// With the ends of a row's item. None if it has others.
    pub fn present(&self, item: &Item<'p>, own: i64) -> Option<Self> {
        match item.ends {
            None => Some(self.clone()),
            Some(ends) => self.retained(|first, last| (first, last) == ends, own),
        }
    }

    /// Whether a row's item is of the same name.
    pub fn is_of(&self, item: &Item<'p>) -> bool {
        self.line == item.line && self.ends.is_some() == item.ends.is_some()
    }

    /// This slot, of rows with one value of an index after the first, and that of rows with another value, as one. `values` are
    /// the index and the two values. None if they differ in more.
    pub fn across(&self, other: &Self, (index, one, two): (&'p str, i64, i64)) -> Option<Self> {
        if self.line.name != other.line.name || self.line.others.len() != other.line.others.len() {
            return None;
        }
        let others = self.line.others.iter().zip(&other.line.others).map(|(own, other)| match (own, other) {
            (own, other) if own == other => Some(*own),
            (Other::Index(own), Other::Values(first, last)) => {
                (*own == index && (first, last) == (&two, &two)).then_some(*own).map(Other::Index)
            }
            (Other::Values(first, last), Other::Values(from, to)) => {
                ((first, last) == (&one, &one) && (from, to) == (&two, &two)).then_some(Other::Index(index))
            }
            (_, Other::Index(_)) => None,
        });
        let line = Line { name: self.line.name, others: others.collect::<Option<_>>()? };
        let ends = match (&self.ends, &other.ends) {
            (None, None) => None,
            (Some(own), Some(other)) => {
                let is_both = |ends: &&Range<'p>| other.contains(ends);
                let mut both: Vec<Range<'p>> = own.iter().filter(is_both).copied().collect();
                // One member, that of the index.
                let member = |value: i64| (End::At(value), End::At(value));
                let by_index = (End::Index(index), End::Index(index));
                let was = own.contains(&by_index) || own.contains(&member(one));
                both.extend((was && other.contains(&member(two))).then_some(by_index));
                (!both.is_empty()).then_some(Some(both))?
            }
            _ => return None,
        };
        Some(Self { line, ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&'static str]) -> Vec<Item<'static>> {
        items(names.iter().map(|name| Piece::Name(name)))
    }

    #[test]
    fn the_members_of_a_grid_are_one_item() {
        let all = of(&["x[1,1]", "x[1,2]", "x[2,1]", "x[2,2]", "x[3,1]", "x[3,2]", "s"]);
        let line = |name, others: &[Other<'static>]| Line { name, others: others.to_vec() };
        let wanted = [
            Item { line: line("x", &[Other::Values(1, 2)]), ends: Some((1, 3)) },
            Item { line: line("s", &[]), ends: None },
        ];
        assert_eq!(all, wanted);
        // Without a member they are two ranges.
        let ends = |item: &Item<'static>| (item.ends, item.line.others.clone());
        let all = of(&["x[1,1]", "x[1,2]", "x[2,1]"]);
        assert_eq!(
            all.iter().map(ends).collect::<Vec<_>>(),
            [(Some((1, 1)), vec![Other::Values(1, 2)]), (Some((2, 2)), vec![Other::Values(1, 1)])]
        );
        assert_eq!(of(&["x[1,1]", "x[1,3]"]).len(), 2);
    }
}
