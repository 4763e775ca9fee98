//! Prints consecutive members of families as ranges.

use super::{Model, Parents, member};
use std::ops::Range;

/// An item of a list of names.
enum Piece<'n> {
    Name(&'n str),
    /// Consecutive members of a family, from the first value to the last.
    Run(&'n str, i64, i64),
}

/// Names with ranges: `z[1], z[2], z[3]` becomes `z[1..3]`.
pub fn in_ranges<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    joined(names.map(|name| member(name).map_or(Piece::Name(name), |(family, value)| Piece::Run(family, value, value))))
}

impl Model {
    /// The names of parents, with ranges.
    pub fn listed(&self, parents: &Parents) -> Vec<String> {
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

fn joined<'n>(pieces: impl Iterator<Item = Piece<'n>>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    // The family and the first and last value of the current run.
    let mut run: Option<(&str, i64, i64)> = None;
    let close = |run: Option<(&str, i64, i64)>, all: &mut Vec<String>| match run {
        Some((family, first, last)) if first == last => all.push(format!("{family}[{first}]")),
        Some((family, first, last)) if first + 1 == last => {
            all.extend([format!("{family}[{first}]"), format!("{family}[{last}]")]);
        }
        Some((family, first, last)) => all.push(format!("{family}[{first}..{last}]")),
        None => {}
    };
    for piece in pieces {
        match (piece, &mut run) {
            (Piece::Run(family, first, end), Some((own, _, last))) if *own == family && *last + 1 == first => {
                *last = end
            }
            (Piece::Run(family, first, last), _) => {
                close(run.take(), &mut all);
                run = Some((family, first, last));
            }
            (Piece::Name(name), _) => {
                close(run.take(), &mut all);
                all.push(name.to_owned());
            }
        }
    }
    close(run, &mut all);
    all
}
