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

    /// The lower end, or −∞.
    pub fn low(self) -> f64 {
        self.low.at
    }

    /// The upper end, or ∞.
    pub fn high(self) -> f64 {
        self.high.at
    }

    /// Whether a number is one of them.
    pub fn contains(self, number: f64) -> bool {
        Self::closed(number, number).is_inside(self)
    }

    /// The values of a strictly increasing function, which lie in this range. Where the function yields an end of the range, it is
    /// rounded, unless the end is in the range.
    #[must_use]
    pub fn mapped(self, function: impl Fn(f64) -> f64, range: Self) -> Self {
        let image = |end: End, last: End| {
            let at = function(end.at);
            End { at, inside: end.inside && (at != last.at || last.inside) }
        };
        Self { low: image(self.low, range.low), high: image(self.high, range.high) }
    }

    /// The numbers, where those below the first of two and above the second are replaced by it.
    #[must_use]
    pub fn clamped(self, least: f64, most: f64) -> Self {
        let (all_below, all_above) = (self.high.at <= least, self.low.at >= most);
        let low = if self.low.at < least || all_below { End { at: least, inside: true } } else { self.low };
        let high = if self.high.at > most || all_above { End { at: most, inside: true } } else { self.high };
        Self { low: if all_above { high } else { low }, high: if all_below { low } else { high } }
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

    /// The powers of the numbers with a positive whole exponent.
    #[must_use]
    pub fn power(self, exponent: usize) -> Self {
        // No -0, which is less than 0 in a total order.
        let of = |end: End| End { at: end.at.powi(exponent as i32) + 0.0, ..end };
        let (low, high) = (of(self.low), of(self.high));
        match exponent.is_multiple_of(2) {
            true if self.low.at < 0.0 && self.high.at > 0.0 => {
                Self { low: End { at: 0.0, inside: true }, high: most(&[low, high]) }
            }
            true if self.low.at < 0.0 => Self { low: high, high: low },
            _ => Self { low, high },
        }
    }

    /// Averages of one number of each interval, with positive weights.
    pub fn averages(all: &[Self]) -> Self {
        let Some(hull) = all.iter().copied().reduce(Self::with) else { return Self::ALL };
        // Such an average is at an end only if all numbers are.
        let (low, high) = (
            End { inside: all.iter().all(|one| one.low == hull.low && one.low.inside), ..hull.low },
            End { inside: all.iter().all(|one| one.high == hull.high && one.high.inside), ..hull.high },
        );
        Self { low, high }
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

    /// Quotients by numbers of one sign. For other divisors nothing is known.
    fn div(self, other: Self) -> Self {
        if (-other).is_within(Domain::Positive) {
            return -self / -other;
        }
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
mod tests;
