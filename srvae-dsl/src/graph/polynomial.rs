//! Polynomials in unknown numbers, each of which lies in an interval and occurs at most once in a product.

use super::bounds::ROUNDING;
use super::{Interval, VariableId};
use std::collections::BTreeMap;

/// A polynomial with more terms is one unknown number: what is known of a long chain of values does not grow with it.
const MOST_TERMS: usize = 16;
/// The same for more unknown numbers. The time that bounds take is exponential in them.
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
}

/// A sum of products of unknown numbers, each with a factor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Polynomial {
    /// The factor of each product. That of none is a number of the sum.
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

    /// The product, if no unknown number is in both.
    pub fn times(&self, other: &Self) -> Option<Self> {
        if self.intervals.keys().any(|of| other.intervals.contains_key(of)) {
            return None;
        }
        let mut product = Self::default();
        for (of, factor) in &self.terms {
            for (others, by) in &other.terms {
                let mut all = [of.as_slice(), others].concat();
                all.sort();
                *product.terms.entry(all).or_default() += factor * by;
            }
        }
        product.intervals = self.intervals.clone();
        Some(product.plus(&Self { terms: BTreeMap::new(), intervals: other.intervals.clone() }))
    }

    /// Whether it has too many terms or unknown numbers to be followed.
    pub fn is_long(&self) -> bool {
        self.terms.len() > MOST_TERMS || self.intervals.len() > MOST_UNKNOWN
    }

    /// The numbers between which it lies: those at the ends of the intervals of its unknown numbers.
    pub fn bounds(&self) -> Interval {
        // Ends that are values themselves come first: with these, fewer others have to be taken for values.
        let first = self.intervals.iter().min_by_key(|(_, interval)| (!interval.is_closed(), !interval.is_finite()));
        let Some((of, interval)) = first else { return Interval::closed(self.rest(), self.rest()) };
        let (with, without): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.terms.iter().map(|(of, factor)| (of.clone(), *factor)).partition(|(product, _)| product.contains(of));
        let left = |product: Vec<Unknown>| product.into_iter().filter(|other| other != of).collect::<Vec<_>>();
        let slope = with.into_iter().map(|(product, factor)| (left(product), factor)).collect();
        let (slope, rest) = (self.part(slope), self.part(without));
        interval.through(slope.bounds(), |at| slope.clone().scaled(at, 0.0).plus(&rest).bounds())
    }

    /// A polynomial with some of its unknown numbers.
    fn part(&self, terms: BTreeMap<Vec<Unknown>, f64>) -> Self {
        Self { terms, intervals: self.intervals.clone() }.plus(&Self::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Interval = Interval::open(0.0, 1.0);
    const BINARY: Interval = Interval::closed(0.0, 1.0);

    fn of(at: usize, interval: Interval) -> Polynomial {
        Polynomial::unknown(Unknown::Node { of: None, at: vec![at] }, interval)
    }

    fn rest(of: &Polynomial) -> Polynomial {
        of.clone().scaled(-1.0, 1.0)
    }

    #[test]
    fn unknown_numbers_cancel_and_different_ones_do_not() {
        let (keep, other) = (of(1, UNIT), of(2, UNIT));
        assert_eq!(keep.clone().plus(&rest(&keep)).number(), Some(1.0));
        assert_eq!(keep.clone().plus(&rest(&other)).number(), None);
        assert_eq!(keep.times(&Polynomial::constant(2.0)), Some(keep.clone().plus(&keep)));
        assert_eq!(keep.times(&keep), None);
        let long = (0..=MOST_UNKNOWN).fold(Polynomial::default(), |sum, at| sum.plus(&of(at, UNIT)));
        assert!(long.is_long() && !keep.is_long());
    }

    #[test]
    fn averages_lie_between_what_they_average() {
        let average = |a: &Polynomial, p: &Polynomial, q: &Polynomial| {
            a.times(p).unwrap().plus(&rest(a).times(q).unwrap()).bounds()
        };
        let (a, z, p, q) = (of(1, UNIT), of(2, BINARY), of(3, UNIT), of(4, UNIT));
        let (s, t) = (of(5, Interval::POSITIVE), of(6, Interval::POSITIVE));
        assert_eq!(average(&a, &p, &q), UNIT);
        assert_eq!(average(&z, &p, &q), UNIT);
        assert_eq!(average(&a, &z, &q), UNIT);
        assert_eq!(average(&z, &s, &t), Interval::POSITIVE);
        assert_eq!(average(&a, &s, &of(7, Interval::ALL)), Interval::ALL);
        // Neither 2 a p nor a p + q is one.
        assert_eq!(a.times(&p).unwrap().scaled(2.0, 0.0).bounds(), Interval::open(0.0, 2.0));
        assert_eq!(a.times(&p).unwrap().plus(&q).bounds(), Interval::open(0.0, 2.0));
    }

    /// p + q − 2 p q, and 1 − (1 − p) (1 − q).
    #[test]
    fn one_or_either_of_two() {
        let (p, z) = (of(1, UNIT), of(2, BINARY));
        let both = p.times(&z).unwrap();
        assert_eq!(p.clone().plus(&z).plus(&both.clone().scaled(-2.0, 0.0)).bounds(), UNIT);
        assert_eq!(
            rest(&rest(&p).times(&rest(&z)).unwrap()).bounds(),
            Interval::open(0.0, 1.0).with(Interval::closed(1.0, 1.0))
        );
        assert_eq!(both.bounds(), Interval::closed(0.0, 0.0).with(UNIT));
    }

    /// Random polynomials of three numbers at random points. All numbers are small multiples of 1/4, so that nothing is rounded.
    #[test]
    fn bounds_contain_every_value() {
        let intervals = [
            UNIT,
            BINARY,
            Interval::POSITIVE,
            Interval::NOT_NEGATIVE,
            -Interval::POSITIVE,
            Interval::closed(-2.0, 3.0),
            Interval::open(-1.0, 0.5),
            Interval::ALL,
        ];
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..2000 {
            let own: Vec<Interval> = (0..3).map(|_| intervals[random(8) as usize]).collect();
            let factors: Vec<f64> = (0..8).map(|_| random(5) as f64 - 2.0).collect();
            let product = |of: usize, each: &[Polynomial]| {
                let chosen = (0..3).filter(|at| of >> at & 1 == 1).map(|at| &each[at]);
                chosen.fold(Polynomial::constant(1.0), |all, one| all.times(one).unwrap())
            };
            let each: Vec<Polynomial> = own.iter().enumerate().map(|(at, interval)| of(at, *interval)).collect();
            let terms = (0..8).map(|at| product(at, &each).scaled(factors[at], 0.0));
            let bounds = terms.fold(Polynomial::default(), |sum, one| sum.plus(&one)).bounds();
            for _ in 0..20 {
                let mut point = |interval: Interval| loop {
                    let at = random(65) as f64 / 4.0 - 8.0;
                    if Interval::closed(at, at).is_inside(interval) {
                        return at;
                    }
                };
                let point: Vec<f64> = own.iter().map(|interval| point(*interval)).collect();
                let value = |of: usize| (0..3).filter(|at| of >> at & 1 == 1).map(|at| point[at]).product::<f64>();
                let value: f64 = (0..8).map(|at| factors[at] * value(at)).sum();
                assert!(
                    Interval::closed(value, value).is_inside(bounds),
                    "{value} at {point:?} is outside of {bounds:?}"
                );
            }
        }
    }
}
