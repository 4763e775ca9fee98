//! Prints consecutive members of families as ranges.

use super::{Model, Parents, member};
use std::ops::Range;

/// An item of a list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'n> {
    Name(&'n str),
    /// Consecutive members of a family, from the first value to the last.
    Run(&'n str, i64, i64),
}

/// Names with ranges: `z[1], z[2], z[3]` becomes `z[1..3]`.
pub fn in_ranges<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    shown(&in_pieces(names))
}

/// Names, with consecutive members of a family as one item.
pub fn in_pieces<'n>(names: impl Iterator<Item = &'n str>) -> Vec<Piece<'n>> {
    joined(names.map(|name| member(name).map_or(Piece::Name(name), |(family, value)| Piece::Run(family, value, value))))
}

impl Model {
    /// The names of parents, with ranges.
    pub fn listed(&self, parents: &Parents) -> Vec<String> {
        shown(&self.listed_pieces(parents))
    }

    /// The names of parents, with consecutive members of a family as one item.
    pub fn listed_pieces(&self, parents: &Parents) -> Vec<Piece<'_>> {
        let name = |at: usize| self.variables[at].name.as_str();
        joined(self.pieces(parents).map(|piece| match (member(name(piece.start)), member(name(piece.end - 1))) {
            (Some((family, first)), Some((_, last))) => Piece::Run(family, first, last),
            _ => Piece::Name(name(piece.start)),
        }))
    }

    /// Positions of parents, in pieces: one variable, or members of one family with consecutive values.
    pub fn pieces(&self, parents: &Parents) -> impl Iterator<Item = Range<usize>> {
        parents.runs().flat_map(move |run| {
            let mut from = run.start;
            std::iter::from_fn(move || {
                let mut end = run.end;
                if from == end {
                    return None;
                }
                while self.variables[end - 1].since.0 > from {
                    end = self.variables[end - 1].since.0;
                }
                Some(std::mem::replace(&mut from, end)..end)
            })
        })
    }
}

fn joined<'n>(pieces: impl Iterator<Item = Piece<'n>>) -> Vec<Piece<'n>> {
    let mut all: Vec<Piece<'n>> = Vec::new();
    for piece in pieces {
        match (piece, all.last_mut()) {
            (Piece::Run(family, first, end), Some(Piece::Run(own, _, last)))
                if *own == family && *last + 1 == first =>
            {
                *last = end;
            }
            _ => all.push(piece),
        }
    }
    all
}

/// Two members are two names, and more are one with the range.
fn shown(pieces: &[Piece<'_>]) -> Vec<String> {
    let mut all = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Name(name) => all.push((*name).to_owned()),
            Piece::Run(family, first, last) if first == last => all.push(format!("{family}[{first}]")),
            Piece::Run(family, first, last) if first + 1 == *last => {
                all.extend([format!("{family}[{first}]"), format!("{family}[{last}]")]);
            }
            Piece::Run(family, first, last) => all.push(format!("{family}[{first}..{last}]")),
        }
    }
    all
}
