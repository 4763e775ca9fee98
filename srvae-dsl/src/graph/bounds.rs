//! Interval arithmetic: the numbers between which the elements of a value are known to lie.

use crate::catalog::{Domain, Space};
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg};

/// The accuracy of numbers in the file that add up to 1, such as 0.3333333.
pub(super) const ROUNDING: f64 = 1e-6;

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

    /// Whether all numbers are in the domain. Never for one that is more than an interval.
    pub fn is_within(self, domain: Domain) -> bool {
        match domain {
            Domain::Real => true,
            Domain::Positive => self.low.at > 0.0 || (self.low.at == 0.0 && !self.low.inside),
            Domain::Unit => self.low.at >= -ROUNDING && self.high.at <= 1.0 + ROUNDING,
            Domain::Simplex | Domain::Whole => false,
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
            Domain::Positive if (low, high) == (0.0, 0.0) => "is 0",
            Domain::Unit if low < 0.0 && high > 1.0 => "may be below 0 or above 1",
            Domain::Positive | Domain::Unit if low < 0.0 => "may be negative",
            Domain::Unit => "may be above 1",
            Domain::Positive => "may be 0",
            Domain::Real | Domain::Simplex | Domain::Whole => "may be anything",
        })
    }

    /// Whether both ends are numbers.
    pub fn is_finite(self) -> bool {
        self.low.at.is_finite() && self.high.at.is_finite()
    }

    /// Whether both ends are among the numbers.
    pub fn is_closed(self) -> bool {
        self.low.inside && self.high.inside
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

    /// The numbers that are in both.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        let inner = |a: End, b: End, order: Ordering| match a.at.total_cmp(&b.at) {
            Ordering::Equal => End { inside: a.inside && b.inside, ..a },
            found if found == order => a,
            _ => b,
        };
        Self { low: inner(self.low, other.low, Ordering::Greater), high: inner(self.high, other.high, Ordering::Less) }
    }

    /// The sums of this many of the numbers.
    #[must_use]
    pub fn summed(self, count: usize) -> Self {
        let count = count as f64;
        self * Self::closed(count, count)
    }

    /// Numbers from 0 that are at most one of these.
    #[must_use]
    pub fn parts(self) -> Self {
        Self { high: self.high, ..Self::NOT_NEGATIVE }
    }

    /// The quotients of numbers from 0 by positive ones that are larger by numbers of this interval.
    #[must_use]
    pub fn shares(self) -> Self {
        match self.is_not_negative() {
            true => Self { high: End { at: 1.0, inside: !self.is_within(Domain::Positive) }, ..Self::NOT_NEGATIVE },
            false => Self::ALL,
        }
    }

    /// The values of a linear function of a number of this interval, from those of its slope and those at a given number: both
    /// may depend on other numbers.
    #[must_use]
    pub fn through(self, slope: Self, at: impl Fn(f64) -> Self) -> Self {
        let (rises, falls) = (slope.is_within(Domain::Positive), (-slope).is_within(Domain::Positive));
        let (never_falls, never_rises) = (slope.is_not_negative(), (-slope).is_not_negative());
        // A value at an end that is not inside is not taken if all others are on one side of it.
        let near = |end: End, above: bool, below: bool| {
            end.at.is_finite().then(|| {
                let Self { low, high } = at(end.at);
                let low = End { inside: low.inside && (end.inside || !above), ..low };
                Self { low, high: End { inside: high.inside && (end.inside || !below), ..high } }
            })
        };
        match (near(self.low, rises, falls), near(self.high, falls, rises)) {
            (Some(first), Some(last)) => first.with(last),
            (Some(first), None) => Self {
                low: if never_falls { first.low } else { Self::ALL.low },
                high: if never_rises { first.high } else { Self::ALL.high },
            },
            (None, Some(last)) => Self {
                low: if never_rises { last.low } else { Self::ALL.low },
                high: if never_falls { last.high } else { Self::ALL.high },
            },
            (None, None) if never_falls && never_rises => at(0.0),
            (None, None) => Self::ALL,
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
        // No -0, which is less than 0 in a total order.
        let turned = |end: End| End { at: 0.0 - end.at, ..end };
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
        assert_eq!(within(Interval::closed(0.0, 1.0)), [true, false, true, false]);
        assert_eq!(within(Interval::closed(0.5, 1.0)), [true, true, true, false]);
        assert_eq!(within(Interval::closed(0.5, 1.001)), [true, true, false, false]);
        assert_eq!(within(Interval::closed(-0.001, 0.5)), [true, false, false, false]);
        assert_eq!(within(Interval::ALL), [true, false, false, false]);
    }

    #[test]
    fn sums_parts_and_shares() {
        let (unit, binary) = (Interval::open(0.0, 1.0), Interval::closed(0.0, 1.0));
        assert_eq!(binary.summed(3), Interval::closed(0.0, 3.0));
        assert_eq!(Interval::closed(1.0, 1.0).parts(), binary);
        assert_eq!(Interval::POSITIVE.shares().within(Interval::POSITIVE), unit);
        assert_eq!(Interval::NOT_NEGATIVE.shares(), binary);
        assert_eq!(Interval::ALL.shares(), Interval::ALL);
        assert_eq!(unit.within(binary), unit);
        assert_eq!(Interval::open(-1.0, 0.5).within(binary), Interval { low: binary.low, ..Interval::open(0.0, 0.5) });
    }

    /// x (1 − y) for x in several intervals and y between 0 and 1.
    #[test]
    fn linear_functions_are_least_and_most_at_ends() {
        let of = |x: Interval, y: Interval| {
            let slope = Interval::closed(1.0, 1.0) + -y;
            x.through(slope, |x| Interval::closed(x, x) * slope)
        };
        let (unit, binary) = (Interval::open(0.0, 1.0), Interval::closed(0.0, 1.0));
        assert_eq!(of(unit, unit), unit);
        assert_eq!(of(binary, unit), Interval { high: unit.high, ..binary });
        // 1 is not a value, but that takes more than the interval of the slope.
        assert_eq!(of(unit, binary), binary);
        assert_eq!(of(Interval::POSITIVE, unit), Interval::POSITIVE);
        assert_eq!(of(-Interval::POSITIVE, unit), -Interval::POSITIVE);
        assert_eq!(of(Interval::POSITIVE, Interval::closed(0.0, 2.0)), Interval::ALL);
        assert_eq!(of(Interval::ALL, unit), Interval::ALL);
        assert_eq!(of(Interval::ALL, Interval::closed(1.0, 1.0)), Interval::closed(0.0, 0.0));
    }
}
