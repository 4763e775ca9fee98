//! Interval arithmetic: the numbers between which the elements of a value are known to lie.

use crate::catalog::{Domain, Space};
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg};

/// The end of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
struct End {
    at: f64,
    /// Whether the number itself is in the interval.
    inside: bool,
}

/// An interval of numbers, without infinity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    low: End,
    high: End,
}

impl Interval {
    /// All numbers.
    pub const ALL: Self = Self::open(f64::NEG_INFINITY, f64::INFINITY);
    pub const POSITIVE: Self = Self::open(0.0, f64::INFINITY);
    /// The numbers from 0.
    pub const NOT_NEGATIVE: Self =
        Self { low: End { at: 0.0, inside: true }, high: End { at: f64::INFINITY, inside: false } };

    /// The numbers between two, both excluded.
    pub const fn open(low: f64, high: f64) -> Self {
        Self { low: End { at: low, inside: false }, high: End { at: high, inside: false } }
    }

    /// The numbers between two, both included.
    pub const fn closed(low: f64, high: f64) -> Self {
        Self { low: End { at: low, inside: true }, high: End { at: high, inside: true } }
    }

    /// The values of a space.
    pub fn of(space: Space) -> Self {
        match space {
            Space::Positive => Self::POSITIVE,
            Space::Count => Self::NOT_NEGATIVE,
            Space::Unit | Space::Simplex => Self::open(0.0, 1.0),
            Space::Binary | Space::Image | Space::Label => Self::closed(0.0, 1.0),
            // Real numbers.
            _ => Self::ALL,
        }
    }

    /// Whether all numbers are in the domain, which is not a simplex.
    pub fn is_within(self, domain: Domain) -> bool {
        let is_positive = self.low.at > 0.0 || (self.low.at == 0.0 && !self.low.inside);
        let is_below_one = self.high.at < 1.0 || (self.high.at == 1.0 && !self.high.inside);
        match domain {
            Domain::Real => true,
            Domain::Positive => is_positive,
            Domain::Unit => is_positive && is_below_one,
            Domain::Simplex => false,
        }
    }

    /// How a number may be outside of the domain, as in "it may be negative". None if all are in it.
    pub fn outside(self, domain: Domain) -> Option<&'static str> {
        if self.is_within(domain) {
            return None;
        }
        let (low, high) = (self.low.at, self.high.at);
        Some(match domain {
            Domain::Positive | Domain::Unit if high < 0.0 => "is negative",
            Domain::Positive | Domain::Unit if (low, high) == (0.0, 0.0) => "is 0",
            Domain::Unit if low < 0.0 && high > 1.0 => "may be below 0 or above 1",
            Domain::Positive | Domain::Unit if low < 0.0 => "may be negative",
            Domain::Unit if high > 1.0 => "may be above 1",
            Domain::Unit if low > 0.0 || !self.low.inside => "may be 1",
            Domain::Positive | Domain::Unit => "may be 0",
            Domain::Real | Domain::Simplex => "may be anything",
        })
    }

    /// Whether no number is negative.
    pub fn is_not_negative(self) -> bool {
        self.low.at >= 0.0
    }

    /// The values of an increasing function, which lie in this range. An end of the range is a value only if it is in the range
    /// and in the image.
    #[must_use]
    pub fn mapped(self, function: impl Fn(f64) -> f64, range: Self) -> Self {
        let image = |end: End, last: End| {
            let at = function(end.at);
            if at == last.at { End { at, inside: last.inside } } else { End { at, ..end } }
        };
        Self { low: image(self.low, range.low), high: image(self.high, range.high) }
    }

    /// Whether all numbers are in another interval.
    pub fn is_inside(self, other: Self) -> bool {
        let after =
            self.low.at > other.low.at || (self.low.at == other.low.at && (other.low.inside || !self.low.inside));
        let before =
            self.high.at < other.high.at || (self.high.at == other.high.at && (other.high.inside || !self.high.inside));
        after && before
    }

    /// The smallest interval that contains both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { low: least(&[self.low, other.low]), high: most(&[self.high, other.high]) }
    }

    /// The sums of one or more of the numbers.
    #[must_use]
    pub fn summed(self) -> Self {
        let Self { low, high } = self;
        Self {
            low: if low.at < 0.0 { Self::ALL.low } else { low },
            high: if high.at > 0.0 { Self::ALL.high } else { high },
        }
    }

    /// The squares of the numbers.
    #[must_use]
    pub fn squared(self) -> Self {
        let Self { low, high } = self * self;
        let zero = End { at: 0.0, inside: true };
        Self { low: if low.at < 0.0 { zero } else { low }, high }
    }
}

fn least(all: &[End]) -> End {
    let first = all.iter().copied().min_by(|a, b| a.at.total_cmp(&b.at).then(b.inside.cmp(&a.inside)));
    first.unwrap_or(Interval::ALL.low)
}

fn most(all: &[End]) -> End {
    let last = all.iter().copied().max_by(|a, b| a.at.total_cmp(&b.at).then(a.inside.cmp(&b.inside)));
    last.unwrap_or(Interval::ALL.high)
}

impl Neg for Interval {
    type Output = Self;

    fn neg(self) -> Self {
        let turned = |end: End| End { at: -end.at, ..end };
        Self { low: turned(self.high), high: turned(self.low) }
    }
}

impl Add for Interval {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let sum = |a: End, b: End| End { at: a.at + b.at, inside: a.inside && b.inside };
        Self { low: sum(self.low, other.low), high: sum(self.high, other.high) }
    }
}

impl Mul for Interval {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = |a: End, b: End| match (a.at == 0.0, b.at == 0.0) {
            // 0 times any number is 0, and no number is infinite.
            (true, true) => End { at: 0.0, inside: a.inside || b.inside },
            (true, false) => a,
            (false, true) => b,
            (false, false) => End { at: a.at * b.at, inside: a.inside && b.inside },
        };
        let all = [
            product(self.low, other.low),
            product(self.low, other.high),
            product(self.high, other.low),
            product(self.high, other.high),
        ];
        // No -0, which is less than 0 in a total order.
        let all = all.map(|end| End { at: end.at + 0.0, ..end });
        Self { low: least(&all), high: most(&all) }
    }
}

impl Div for Interval {
    type Output = Self;

    /// Quotients by positive numbers. For other divisors nothing is known.
    fn div(self, other: Self) -> Self {
        if !other.is_within(Domain::Positive) {
            return Self::ALL;
        }
        let inverse = |end: End| match end.at.partial_cmp(&0.0) {
            Some(Ordering::Greater) => End { at: 1.0 / end.at, ..end },
            _ => End { at: f64::INFINITY, inside: false },
        };
        self * Self { low: inverse(other.high), high: inverse(other.low) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_contain_what_is_computed_and_no_more() {
        let unit = Interval::open(0.0, 1.0);
        let binary = Interval::closed(0.0, 1.0);
        let one = Interval::closed(1.0, 1.0);
        assert_eq!(one + -unit, unit);
        assert_eq!(one + -binary, binary);
        assert_eq!(unit * unit, unit);
        assert_eq!(binary * Interval::POSITIVE, Interval::NOT_NEGATIVE);
        assert_eq!(one + binary * Interval::POSITIVE, Interval { low: one.low, ..Interval::POSITIVE });
        assert_eq!(Interval::POSITIVE / Interval::POSITIVE, Interval::POSITIVE);
        assert_eq!(one / (one + Interval::POSITIVE), unit);
        assert_eq!(Interval::open(-1.0, 1.0) * Interval::closed(2.0, 3.0), Interval::open(-3.0, 3.0));
        assert_eq!(Interval::ALL * Interval::ALL, Interval::ALL);
        assert_eq!(Interval::ALL.squared(), Interval::NOT_NEGATIVE);
        assert_eq!(Interval::closed(2.0, 3.0).squared(), Interval::closed(4.0, 9.0));
        assert_eq!(unit / Interval::ALL, Interval::ALL);
        assert_eq!(
            unit.with(Interval::closed(1.0, 2.0)),
            Interval { low: unit.low, high: End { at: 2.0, inside: true } }
        );
        assert_eq!(binary * -one, Interval::closed(-1.0, 0.0));
        assert_eq!((-Interval::POSITIVE).mapped(f64::exp, Interval::POSITIVE), unit);
        assert_eq!((-Interval::NOT_NEGATIVE).mapped(f64::exp, Interval::POSITIVE), Interval { high: one.high, ..unit });
        let relu = |of: Interval| of.mapped(|t| t.max(0.0), Interval::NOT_NEGATIVE);
        assert_eq!((relu(Interval::ALL), relu(Interval::POSITIVE)), (Interval::NOT_NEGATIVE, Interval::NOT_NEGATIVE));
        assert_eq!(relu(Interval::closed(2.0, 3.0)), Interval::closed(2.0, 3.0));
        assert!(unit.is_inside(binary) && !binary.is_inside(unit) && binary.is_inside(binary) && unit.is_inside(unit));
        assert!(!Interval::ALL.is_inside(Interval::NOT_NEGATIVE) && binary.is_inside(Interval::NOT_NEGATIVE));
    }

    #[test]
    fn domains_exclude_their_ends() {
        let within = |interval: Interval| {
            [Domain::Real, Domain::Positive, Domain::Unit, Domain::Simplex].map(|domain| interval.is_within(domain))
        };
        assert_eq!(within(Interval::open(0.0, 1.0)), [true, true, true, false]);
        assert_eq!(within(Interval::closed(0.0, 1.0)), [true, false, false, false]);
        assert_eq!(within(Interval::closed(0.5, 1.0)), [true, true, false, false]);
        assert_eq!(within(Interval::ALL), [true, false, false, false]);
    }
}
