//! Items of lists of names, for rows that are joined.

use crate::graph::Piece;

/// An end of a range of members: a value of the index, or its distance to the member of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    At(i64),
    Near(i64),
}

impl End {
    fn value(self, own: i64) -> i64 {
        match self {
            Self::At(value) => value,
            Self::Near(distance) => own + distance,
        }
    }
}

/// An item of a list, of all rows that are joined: a name, or a range with its possible ends.
#[derive(Debug, Clone)]
pub struct Slot<'p> {
    pub name: &'p str,
    pub ends: Option<Vec<(End, End)>>,
}

impl<'p> Slot<'p> {
    /// A row's item; `own` is the row's member.
    pub fn of(piece: Piece<'p>, own: Option<i64>) -> Self {
        match piece {
            Piece::Name(name) => Self { name, ends: None },
            Piece::Run(name, first, last) => {
                let ways = |end: i64| [Some(End::At(end)), own.map(|own| End::Near(end - own))].into_iter().flatten();
                let ends = ways(first).flat_map(|first| ways(last).map(move |last| (first, last))).collect();
                Self { name, ends: Some(ends) }
            }
        }
    }

    /// With only those ends for which a predicate holds. None if there are none.
    pub fn retained(&self, holds: impl Fn(i64, i64) -> bool, own: i64) -> Option<Self> {
        let ends: Vec<_> =
            self.ends.as_ref()?.iter().copied().filter(|(a, b)| holds(a.value(own), b.value(own))).collect();
        (!ends.is_empty()).then_some(Self { name: self.name, ends: Some(ends) })
    }

    /// With the ends of a row's item. None if it has others.
    pub fn present(&self, piece: Piece<'p>, own: i64) -> Option<Self> {
        match piece {
            Piece::Name(_) => Some(self.clone()),
            Piece::Run(_, first, last) => self.retained(|a, b| (a, b) == (first, last), own),
        }
    }

    /// Whether a row's item is of the same name.
    pub fn is_of(&self, piece: Piece<'p>) -> bool {
        match piece {
            Piece::Name(name) => self.name == name && self.ends.is_none(),
            Piece::Run(name, ..) => self.name == name && self.ends.is_some(),
        }
    }
}
