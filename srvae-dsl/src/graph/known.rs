//! What is known about the elements of a value, whatever the data and the parameters are.

use super::{Interval, VariableId};
use std::collections::BTreeMap;

/// A sum with more terms than this is one unknown number: what is known of a long chain of values does not grow with it.
const MOST_TERMS: usize = 8;
/// The accuracy of numbers in the file that add up to 1, such as 0.3333333.
const ROUNDING: f64 = 1e-6;

/// Facts about a value.
#[derive(Debug, Clone)]
pub struct Known {
    /// The numbers between which all elements lie.
    pub interval: Interval,
    /// The element at each position, if all channels have the same one.
    pub level: Option<Combination>,
    /// The sum over the channels at each position.
    pub total: Option<Combination>,
}

impl Known {
    /// A value of which only the interval is known.
    pub fn between(interval: Interval) -> Self {
        Self { interval, level: None, total: None }
    }

    /// Whether the channels are proportions at every position: positive, and with the sum 1.
    pub fn is_proportions(&self) -> bool {
        let is_one = self.total.as_ref().and_then(Combination::number).is_some_and(|sum| (sum - 1.0).abs() < ROUNDING);
        is_one && self.interval.is_within(crate::catalog::Domain::Positive)
    }
}

/// A number that is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// The only channel of a variable.
    Variable(VariableId),
    /// The output of a node: its position, after those of the uses of named networks that lead to it. For a node of a value
    /// (`let`), the value comes first.
    Node { of: Option<usize>, at: Vec<usize> },
}

/// A sum of unknown numbers, each with a factor, and of a number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Combination {
    factors: BTreeMap<Unknown, f64>,
    constant: f64,
}

impl Combination {
    pub fn constant(constant: f64) -> Self {
        Self { constant, ..Self::default() }
    }

    pub fn unknown(of: Unknown) -> Self {
        Self { factors: [(of, 1.0)].into(), constant: 0.0 }
    }

    /// The number, if nothing in it is unknown.
    pub fn number(&self) -> Option<f64> {
        self.factors.values().all(|factor| factor.abs() < ROUNDING).then_some(self.constant)
    }

    /// `scale · self + shift`.
    #[must_use]
    pub fn scaled(mut self, scale: f64, shift: f64) -> Self {
        self.factors.values_mut().for_each(|factor| *factor *= scale);
        self.constant = scale * self.constant + shift;
        self
    }

    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (of, factor) in &other.factors {
            *self.factors.entry(of.clone()).or_default() += factor;
        }
        self.constant += other.constant;
        self
    }

    /// The product, if one of the two is a number.
    pub fn times(&self, other: &Self) -> Option<Self> {
        match (self.number(), other.number()) {
            (Some(number), _) => Some(other.clone().scaled(number, 0.0)),
            (None, Some(number)) => Some(self.clone().scaled(number, 0.0)),
            (None, None) => None,
        }
    }

    /// Whether it has too many terms to be followed.
    pub fn is_long(&self) -> bool {
        self.factors.len() > MOST_TERMS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(at: usize) -> Combination {
        Combination::unknown(Unknown::Node { of: None, at: vec![at] })
    }

    #[test]
    fn unknown_numbers_cancel_and_different_ones_do_not() {
        let (keep, other) = (of(1), of(2));
        let rest = |of: &Combination| of.clone().scaled(-1.0, 1.0);
        assert_eq!(keep.clone().plus(&rest(&keep)).number(), Some(1.0));
        assert_eq!(keep.clone().plus(&rest(&other)).number(), None);
        assert_eq!(keep.times(&Combination::constant(2.0)), Some(keep.clone().plus(&keep)));
        assert_eq!(keep.times(&other), None);
        let long = (0..=MOST_TERMS).fold(Combination::default(), |sum, at| sum.plus(&of(at)));
        assert!(long.is_long() && !keep.is_long());
    }

    #[test]
    fn proportions_are_positive_and_add_up_to_one() {
        let known = |interval, total| Known { interval, level: None, total: Some(Combination::constant(total)) };
        assert!(known(Interval::open(0.0, 1.0), 1.0).is_proportions());
        assert!(known(Interval::open(0.0, 1.0), 0.999_999_9).is_proportions());
        assert!(!known(Interval::open(0.0, 1.0), 0.999).is_proportions());
        assert!(!known(Interval::closed(0.0, 1.0), 1.0).is_proportions());
    }
}
