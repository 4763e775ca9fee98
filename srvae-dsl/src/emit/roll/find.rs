//! Finds repetitions of groups of statements.

use super::Member;
use super::tokens::{Leaf, Token, What};
use crate::emit::ident;
use proc_macro2::TokenStream;
use quote::quote;
use std::collections::BTreeMap;

/// Shorter loops are printed as statements, which are easier to read.
pub const FEWEST_ROUNDS: usize = 4;
/// The maximum number of periods to try at a statement, the shortest first.
const MOST_TRIALS: usize = 64;

/// A statement in parsed form.
pub struct Line {
    pub name: String,
    pub kind: Option<String>,
    pub tokens: Vec<Token>,
    pub leaves: Vec<Leaf>,
    /// Equal for statements that differ only in their leaves.
    pub key: usize,
}

/// Whether positions rise or fall from round to round.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    Up,
    Down,
}

impl Way {
    pub fn of(from: usize, next: usize) -> Self {
        if next < from { Self::Down } else { Self::Up }
    }

    /// The position after a number of places.
    pub fn after(self, from: usize, places: usize) -> Option<usize> {
        match self {
            Self::Up => Some(from + places),
            Self::Down => from.checked_sub(places),
        }
    }
}

impl Line {
    /// An input: not a statement, and unlike any other line.
    pub fn given(name: &str, at: usize) -> Self {
        let (kind, key) = (Some("tensor".to_owned()), usize::MAX - at);
        Self { name: name.to_owned(), kind, tokens: Vec::new(), leaves: Vec::new(), key }
    }

    /// The name of its value.
    pub fn place(&self) -> TokenStream {
        let name = ident(self.name.trim_end_matches(".0"));
        if self.name.ends_with(".0") { quote!(#name.0) } else { quote!(#name) }
    }

    /// The statements whose values it reads.
    pub fn locals(&self) -> impl Iterator<Item = usize> {
        self.leaves.iter().filter_map(|leaf| match leaf.what {
            What::Local(at) => Some(at),
            What::Inner(_) | What::Layer(_) | What::Literal(_) => None,
        })
    }
}

/// `count` rounds of `period` statements each.
pub struct Run {
    pub first: usize,
    pub period: usize,
    pub count: usize,
    /// For each statement of a round, its leaves.
    pub uses: Vec<Vec<Use>>,
}

impl Run {
    /// The first statement after it.
    pub fn end(&self) -> usize {
        self.first + self.period * self.count
    }
}

/// How a leaf varies from round to round.
pub enum Use {
    /// It is constant.
    Same,
    /// A local of the same round.
    Round,
    /// The given literals.
    Literals(Vec<String>),
    /// Positions.
    Counted(Vec<Piece>),
    /// Texts with a position between these two parts.
    Named(String, Vec<Piece>, String),
    /// Consecutive members of a vector of the layers, from this one on.
    Fields(String, usize, Way),
    /// Statements before the loop.
    Outside(Vec<usize>),
    /// The value of statement `of`, the given number of rounds earlier. In the first rounds, statements before the
    /// loop.
    Earlier { rounds: usize, of: usize, first: Vec<usize> },
}

/// Positions of consecutive rounds. The first round follows the last one of the piece before.
pub struct Piece {
    /// The end of the rounds, exclusive.
    pub end: usize,
    /// The first number.
    pub from: usize,
    /// How the numbers continue. None for a single number.
    pub way: Option<Way>,
}

/// The maximum number of pieces. With more, the numbers are printed in a table.
pub const MOST_PIECES: usize = 4;

/// All loops of at least `fewest` rounds after a statement, in order.
pub fn runs(lines: &[Line], from: usize, fewest: usize, rest: &Line, fields: &BTreeMap<String, Member>) -> Vec<Run> {
    let mut given_away: Vec<Option<usize>> = vec![None; lines.len()];
    for (at, line) in lines.iter().chain([rest]).enumerate() {
        for leaf in line.leaves.iter().filter(|leaf| leaf.is_moved) {
            if let What::Local(local) = leaf.what {
                given_away[local] = Some(at);
            }
        }
    }
    let mut finder = Finder { lines, fields, fewest, given_away, found: Vec::new() };
    let mut at = from;
    while at < lines.len() {
        let run = finder.best(at);
        at = run.as_ref().map_or(at + 1, Run::end);
        finder.found.extend(run);
    }
    finder.found
}

struct Finder<'a> {
    lines: &'a [Line],
    fields: &'a BTreeMap<String, Member>,
    /// The minimum number of rounds of a loop.
    fewest: usize,
    /// The statement into which each value is moved.
    given_away: Vec<Option<usize>>,
    /// The loops before the current statement.
    found: Vec<Run>,
}

impl Finder<'_> {
    /// The loop at this statement that covers the most statements.
    fn best(&self, first: usize) -> Option<Run> {
        let key = |at: usize| self.lines[at].key;
        let left = self.lines.len() - first;
        let follows =
            (1..=left / self.fewest).filter(|period| key(first + period) == key(first)).filter_map(|period| {
                let equal = (first..self.lines.len() - period).take_while(|at| key(*at) == key(at + period)).count();
                let count = equal / period + 1;
                (count >= self.fewest).then_some((period, count))
            });
        let mut best: Option<Run> = None;
        for (period, count) in follows.take(MOST_TRIALS) {
            let covered = best.as_ref().map_or(0, |run| run.end() - run.first);
            if period * count <= covered {
                continue;
            }
            let run = self.sound(first, period, count);
            if let Some(run) = run.filter(|run| run.end() - run.first > covered) {
                best = Some(run);
            }
        }
        best
    }

    /// The largest valid number of these rounds.
    fn sound(&self, first: usize, period: usize, most: usize) -> Option<Run> {
        let is_kept = |round: usize| {
            let from = first + round * period;
            (from..from + period).all(|at| self.given_away[at].is_none_or(|to| (from..from + period).contains(&to)))
        };
        let mut count = (0..most).take_while(|round| is_kept(*round)).count();
        for offset in 0..period {
            for leaf in 0..self.lines[first + offset].leaves.len() {
                if count < self.fewest {
                    return None;
                }
                let passes = |rounds: usize| self.way(first, period, rounds, (offset, leaf)).is_some();
                if !passes(count) {
                    count = shorter(count, passes);
                }
            }
        }
        if count < self.fewest {
            return None;
        }
        let uses = (0..period).map(|offset| {
            let leaves = 0..self.lines[first + offset].leaves.len();
            leaves.map(|leaf| self.way(first, period, count, (offset, leaf))).collect::<Option<Vec<_>>>()
        });
        let uses = uses.collect::<Option<Vec<_>>>()?;
        Some(Run { first, period, count, uses })
    }

    /// How a leaf varies over these rounds. None if a loop cannot express it.
    fn way(&self, first: usize, period: usize, rounds: usize, (offset, leaf): (usize, usize)) -> Option<Use> {
        let at = |round: usize| &self.lines[first + round * period + offset].leaves[leaf];
        let own = at(0);
        let is_same = (1..rounds).all(|round| at(round).what == own.what);
        match &own.what {
            What::Inner(_) => is_same.then_some(Use::Same),
            What::Literal(_) if is_same => Some(Use::Same),
            What::Literal(_) => {
                let texts = (0..rounds).map(|round| match &at(round).what {
                    What::Literal(text) => Some(text.clone()),
                    What::Inner(_) | What::Layer(_) | What::Local(_) => None,
                });
                let texts: Vec<String> = texts.collect::<Option<_>>()?;
                let counted = if own.is_count { counted(&texts) } else { named(&texts) };
                Some(counted.unwrap_or(Use::Literals(texts)))
            }
            What::Layer(_) if is_same => Some(Use::Same),
            What::Layer(field) => {
                let Member { vector, at: from, .. } = self.fields.get(field)?;
                let place = |round: usize| match &at(round).what {
                    What::Layer(field) => self.fields.get(field).filter(|it| it.vector == *vector).map(|it| it.at),
                    What::Inner(_) | What::Local(_) | What::Literal(_) => None,
                };
                let way = Way::of(*from, place(1)?);
                let follows = |round: usize| place(round).is_some_and(|place| Some(place) == way.after(*from, round));
                (0..rounds).all(follows).then(|| Use::Fields(vector.clone(), *from, way))
            }
            What::Local(_) => {
                let locals = (0..rounds).map(|round| match at(round).what {
                    What::Local(local) => Some(local),
                    What::Inner(_) | What::Layer(_) | What::Literal(_) => None,
                });
                self.local(first, period, &locals.collect::<Option<Vec<_>>>()?, own.is_moved)
            }
        }
    }

    /// Whether these locals come from successive rounds of one loop.
    fn is_one_vector(&self, locals: &[usize]) -> bool {
        let run = self.found.partition_point(|run| run.end() <= locals[0]);
        let inside = self.found.get(run).filter(|run| run.first <= locals[0]);
        inside.is_some_and(|run| {
            let way = Way::of(locals[0], *locals.get(1).unwrap_or(&locals[0]));
            let follows = |(round, local): (usize, &usize)| {
                way.after(locals[0], round * run.period) == Some(*local) && (run.first..run.end()).contains(local)
            };
            locals.iter().enumerate().all(follows)
        })
    }

    fn local(&self, first: usize, period: usize, locals: &[usize], is_moved: bool) -> Option<Use> {
        let own = locals[0];
        if own >= first {
            let is_own = locals.iter().enumerate().all(|(round, local)| *local == own + round * period);
            return is_own.then_some(Use::Round);
        }
        if is_moved {
            return None;
        }
        let kind = |at: usize| self.lines[at].kind.as_ref();
        if locals.iter().all(|local| *local == own) {
            return Some(Use::Same);
        }
        let is_of_one_kind = kind(own).is_some() && locals.iter().all(|local| kind(*local) == kind(own));
        if locals.iter().all(|local| *local < first) {
            return (is_of_one_kind || self.is_one_vector(locals)).then(|| Use::Outside(locals.to_vec()));
        }
        let rounds = locals.iter().position(|local| *local >= first)?;
        let (before, later) = locals.split_at(rounds);
        let of = later[0] - first;
        let follows = later.iter().enumerate().all(|(round, local)| *local == first + of + round * period);
        (of < period && follows && is_of_one_kind).then(|| Use::Earlier { rounds, of, first: before.to_vec() })
    }
}

/// Positions, in few pieces.
fn counted(texts: &[String]) -> Option<Use> {
    let numbers: Option<Vec<usize>> = texts.iter().map(|text| text.trim_end_matches("usize").parse().ok()).collect();
    pieces(&numbers?).map(Use::Counted)
}

/// Texts that differ in only one number.
fn named(texts: &[String]) -> Option<Use> {
    let plain = texts.iter().map(|text| text.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('\\')));
    let plain: Vec<&str> = plain.collect::<Option<_>>()?;
    let [first, second, ..] = plain.as_slice() else { return None };
    let head = first.chars().zip(second.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>();
    let before = first[..head].trim_end_matches(|letter: char| letter.is_ascii_digit());
    let after = first[before.len()..].trim_start_matches(|letter: char| letter.is_ascii_digit());
    let number = |text: &&str| {
        let digits = text.strip_prefix(before)?.strip_suffix(after)?;
        let number: usize = digits.parse().ok()?;
        (number.to_string() == digits).then_some(number)
    };
    let pieces = pieces(&plain.iter().map(number).collect::<Option<Vec<_>>>()?)?;
    Some(Use::Named(before.to_owned(), pieces, after.to_owned()))
}

/// Numbers that rise or fall by one, in few pieces. None if there are as many pieces as numbers.
fn pieces(numbers: &[usize]) -> Option<Vec<Piece>> {
    let (mut pieces, mut at): (Vec<Piece>, usize) = (Vec::new(), 0);
    while at < numbers.len() {
        let from = numbers[at];
        let way = numbers.get(at + 1).map(|next| Way::of(from, *next));
        let goes_on = |(round, number): &(usize, &usize)| way.and_then(|way| way.after(from, *round)) == Some(**number);
        let length = numbers[at..].iter().enumerate().take_while(goes_on).count().max(1);
        at += length;
        pieces.push(Piece { end: at, from, way: way.filter(|_| length > 1) });
    }
    (pieces.len() <= MOST_PIECES && pieces.len() < numbers.len()).then_some(pieces)
}

/// The largest number of rounds that passes. If a number passes, so do all smaller ones.
fn shorter(rounds: usize, passes: impl Fn(usize) -> bool) -> usize {
    let (mut least, mut most) = (0, rounds);
    while most - least > 1 {
        let middle = (least + most) / 2;
        if passes(middle) {
            least = middle;
        } else {
            most = middle;
        }
    }
    least
}
