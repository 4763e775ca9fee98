//! Polynomials in unknown numbers, each of which lies in an interval.

mod range;
#[cfg(test)]
mod tests;

use super::bounds::ROUNDING;
use super::{Interval, VariableId};
use std::collections::BTreeMap;
use std::ops::Range;

/// A polynomial with more terms is one unknown number: what is known of a long chain of values does not grow with it.
const MOST_TERMS: usize = 16;
/// The same for more unknown numbers, each counted as often as it occurs in one product. The time that bounds take is exponential in
/// this.
const MOST_UNKNOWN: usize = 6;
/// Factors that are smaller come from rounding.
const NOTHING: f64 = 1e-12;

/// A number that is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// The element of a variable at the same position.
    Variable(VariableId),
    /// That of the output of a node: its position, after those of the uses of named networks that lead to it. For a node of a
    /// value (`let`), the value comes first.
    Node { of: Option<usize>, at: Vec<usize> },
    /// The sum of all channels of such a value at the same position.
    Sum(Box<Unknown>),
    /// The sum of a range of the channels of proportions, or of a class: one of the channels is 1 and the others are 0, or it is an
    /// average of such cases.
    Part(Part),
}

/// A range of channels of a value whose channels are not negative and add up to 1. Its interval contains 0 unless all channels are
/// positive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub whole: Box<Unknown>,
    pub from: usize,
    pub to: usize,
    /// The number of channels of the whole.
    pub channels: usize,
}

impl Part {
    /// Some of its channels, counted from its first.
    #[must_use]
    pub fn within(&self, range: &Range<usize>) -> Self {
        Self { from: self.from + range.start, to: self.from + range.end, ..self.clone() }
    }

    /// The sum of its channels, all of which may be positive.
    pub fn sum(&self, are_positive: bool) -> Polynomial {
        match (self.to - self.from == self.channels, are_positive) {
            (true, _) => Polynomial::constant(1.0),
            (false, true) => Polynomial::unknown(Unknown::Part(self.clone()), Interval::open(0.0, 1.0)),
            (false, false) => Polynomial::unknown(Unknown::Part(self.clone()), Interval::closed(0.0, 1.0)),
        }
    }
}

/// A sum of products of unknown numbers, each with a factor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Polynomial {
    /// The factor of each product, whose unknown numbers are in order. That of none is a number of the sum.
    terms: BTreeMap<Vec<Unknown>, f64>,
    intervals: BTreeMap<Unknown, Interval>,
}

impl Polynomial {
    pub fn constant(constant: f64) -> Self {
        Self { terms: [(Vec::new(), constant)].into(), intervals: BTreeMap::new() }
    }

    /// A number of this interval.
    pub fn unknown(of: Unknown, interval: Interval) -> Self {
        Self { terms: [(vec![of.clone()], 1.0)].into(), intervals: [(of, interval)].into() }
    }

    /// The unknown number, if it is nothing else.
    pub fn single(&self) -> Option<&Unknown> {
        let (product, factor) = self.terms.first_key_value().filter(|_| self.terms.len() == 1)?;
        product.first().filter(|_| product.len() == 1 && *factor == 1.0)
    }

    /// The number, if nothing in it is unknown.
    pub fn number(&self) -> Option<f64> {
        let is_unknown = |(of, factor): (&Vec<Unknown>, &f64)| !of.is_empty() && factor.abs() >= ROUNDING;
        (!self.terms.iter().any(is_unknown)).then(|| self.rest())
    }

    /// The factor of no unknown number.
    fn rest(&self) -> f64 {
        self.terms.get(&[][..]).copied().unwrap_or_default()
    }

    /// `scale · self + shift`.
    #[must_use]
    pub fn scaled(mut self, scale: f64, shift: f64) -> Self {
        self.terms.values_mut().for_each(|factor| *factor *= scale);
        self.plus(&Self::constant(shift))
    }

    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (of, factor) in &other.terms {
            *self.terms.entry(of.clone()).or_default() += factor;
        }
        self.intervals.extend(other.intervals.iter().map(|(of, interval)| (of.clone(), *interval)));
        self.terms.retain(|_, factor| factor.abs() >= NOTHING);
        self.intervals.retain(|of, _| self.terms.keys().any(|product| product.contains(of)));
        self
    }

    #[must_use]
    pub fn minus(self, other: &Self) -> Self {
        self.plus(&other.clone().scaled(-1.0, 0.0))
    }

    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        let mut product = Self::default();
        for (of, factor) in &self.terms {
            for (others, by) in &other.terms {
                let mut all = [of.as_slice(), others].concat();
                all.sort();
                *product.terms.entry(all).or_default() += factor * by;
            }
        }
        product.intervals = self.intervals.clone();
        product.plus(&Self { terms: BTreeMap::new(), intervals: other.intervals.clone() })
    }

    /// Whether it has too many terms or unknown numbers to be followed. Parts of one whole count less.
    pub fn is_long(&self) -> bool {
        let mut parts: BTreeMap<&Unknown, u32> = BTreeMap::new();
        let mut unknown = 0;
        for of in self.intervals.keys() {
            match of {
                Unknown::Part(part) => *parts.entry(&part.whole).or_default() += 1,
                _ => unknown += self.degree(of),
            }
        }
        unknown += parts.values().map(|parts| parts.ilog2() as usize + 1).sum::<usize>();
        self.terms.len() > MOST_TERMS || unknown > MOST_UNKNOWN
    }

    /// How often an unknown number occurs at most in one product.
    fn degree(&self, of: &Unknown) -> usize {
        self.terms.keys().map(|product| count(product, of)).max().unwrap_or_default()
    }
}

/// How often an unknown number occurs in a product.
fn count(product: &[Unknown], of: &Unknown) -> usize {
    product.iter().filter(|other| *other == of).count()
}
