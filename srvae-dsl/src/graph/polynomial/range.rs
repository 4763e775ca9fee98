//! The numbers between which a polynomial lies.

use super::{Part, Polynomial, Unknown, count};
use crate::graph::Interval;
use std::collections::{BTreeMap, BTreeSet};

impl Polynomial {
    /// The numbers between which it lies. A polynomial of first degree in every unknown number is least and most at ends of their
    /// intervals.
    pub fn bounds(&self) -> Interval {
        if let Some(whole) = self.whole() {
            return self.in_parts(whole);
        }
        // Ends that are values themselves come first: with these, fewer others have to be taken for values.
        let first = self
            .intervals
            .iter()
            .min_by_key(|(of, interval)| (self.degree(of) > 1, !interval.is_closed(), !interval.is_finite()));
        let Some((of, interval)) = first else { return Interval::closed(self.rest(), self.rest()) };
        let powers = self.powers(of);
        let mut present = powers.iter().enumerate().skip(1).filter(|(_, factor)| **factor != Self::default());
        match (present.next(), present.next()) {
            // Only one power of it occurs.
            (Some((power, slope)), None) => interval
                .power(power)
                .through(slope.bounds(), |at| slope.clone().scaled(at, 0.0).plus(&powers[0]).bounds()),
            _ => {
                let any = between(&powers, *interval);
                completed(&powers, of, *interval).into_iter().fold(any, Interval::within)
            }
        }
    }

    /// The factors of the powers of an unknown number, from that of its power 0.
    fn powers(&self, of: &Unknown) -> Vec<Self> {
        let mut powers = vec![BTreeMap::new(); self.degree(of) + 1];
        for (product, factor) in &self.terms {
            let others: Vec<_> = product.iter().filter(|other| *other != of).cloned().collect();
            powers[count(product, of)].insert(others, *factor);
        }
        powers.into_iter().map(|terms| self.with(terms)).collect()
    }

    /// A polynomial in some of its unknown numbers.
    fn with(&self, terms: BTreeMap<Vec<Unknown>, f64>) -> Self {
        Self { terms, intervals: self.intervals.clone() }.plus(&Self::default())
    }

    /// A value of which no product has more than one part.
    fn whole(&self) -> Option<&Unknown> {
        let wholes: BTreeSet<_> = self.parts().map(|part| &*part.whole).collect();
        wholes.into_iter().find(|whole| {
            let of_it = |of: &&Unknown| matches!(of, Unknown::Part(part) if *part.whole == **whole);
            self.terms.keys().all(|product| product.iter().filter(of_it).count() < 2)
        })
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.intervals.keys().filter_map(|of| if let Unknown::Part(part) = of { Some(part) } else { None })
    }

    /// The average of what it is where one of the channels of a value is 1 and the others are 0.
    fn in_parts(&self, whole: &Unknown) -> Interval {
        let parts: Vec<&Part> = self.parts().filter(|part| *part.whole == *whole).collect();
        let channels = parts.iter().map(|part| part.channels).max().unwrap_or_default();
        // Between two of these, the channels are in the same parts.
        let mut starts: BTreeSet<usize> = parts.iter().flat_map(|part| [part.from, part.to]).collect();
        starts.insert(0);
        let cases = starts.range(..channels).map(|at| {
            let mut terms = BTreeMap::new();
            for (product, factor) in &self.terms {
                let is_one = |of: &Unknown| match of {
                    Unknown::Part(part) if *part.whole == *whole => Some((part.from..part.to).contains(at)),
                    _ => None,
                };
                if product.iter().all(|of| is_one(of) != Some(false)) {
                    let others = product.iter().filter(|of| is_one(of).is_none()).cloned().collect::<Vec<_>>();
                    *terms.entry(others).or_default() += factor;
                }
            }
            self.with(terms).bounds()
        });
        let cases: Vec<Interval> = cases.collect();
        let all_positive = parts.iter().all(|part| !self.intervals[&Unknown::Part((*part).clone())].contains(0.0));
        match all_positive {
            true => Interval::averages(&cases),
            false => cases.into_iter().reduce(Interval::with).unwrap_or(Interval::ALL),
        }
    }
}

/// The values of a polynomial in a number of this interval, from the factors of its powers. Between two ends, it is an average of
/// its Bernstein coefficients.
fn between(powers: &[Polynomial], interval: Interval) -> Interval {
    let (low, high) = (interval.low(), interval.high());
    if !low.is_finite() && !high.is_finite() {
        return Interval::ALL;
    }
    if !low.is_finite() {
        let turned = powers
            .iter()
            .enumerate()
            .map(|(power, factor)| factor.clone().scaled(if power.is_multiple_of(2) { 1.0 } else { -1.0 }, 0.0));
        return between(&turned.collect::<Vec<_>>(), -interval);
    }
    let from_low = shifted(powers, low);
    if !high.is_finite() {
        let more = if interval.contains(low) { Interval::NOT_NEGATIVE } else { Interval::POSITIVE };
        return from_low[1..].iter().fold(from_low[0].bounds(), |sum, factor| sum + more * factor.bounds());
    }
    let (degree, width) = (powers.len() - 1, high - low);
    let coefficient = |at: usize| {
        (0..=at).fold(Polynomial::default(), |sum, power| {
            let share = choices(at, power) / choices(degree, power) * width.powi(power as i32);
            sum.plus(&from_low[power].clone().scaled(share, 0.0))
        })
    };
    let all: Vec<Interval> = (0..=degree).map(|at| coefficient(at).bounds()).collect();
    let ends = [(low, 0), (high, degree)].into_iter().filter(|(end, _)| interval.contains(*end));
    ends.fold(Interval::averages(&all), |inner, (_, at)| inner.with(all[at]))
}

/// The factors of the powers of t, for a polynomial in t + `by`.
fn shifted(powers: &[Polynomial], by: f64) -> Vec<Polynomial> {
    let of_power = |power: usize| {
        (power..powers.len()).fold(Polynomial::default(), |sum, from| {
            sum.plus(&powers[from].clone().scaled(choices(from, power) * by.powi((from - power) as i32), 0.0))
        })
    };
    (0..powers.len()).map(of_power).collect()
}

/// The number of ways to choose `some` of `all`.
fn choices(all: usize, some: usize) -> f64 {
    (0..some).fold(1.0, |ways, at| ways * (all - at) as f64 / (at + 1) as f64)
}

/// a x² + b x + c as a (x + b / 2a)² + c − b² / 4a, where a is a number.
fn completed(powers: &[Polynomial], of: &Unknown, interval: Interval) -> Option<Interval> {
    let [c, b, a] = powers else { return None };
    let a = a.number().filter(|a| *a != 0.0)?;
    let root = Polynomial::unknown(of.clone(), interval).plus(&b.clone().scaled(0.5 / a, 0.0));
    let rest = c.clone().minus(&b.times(b).scaled(0.25 / a, 0.0));
    Some(root.bounds().power(2) * Interval::closed(a, a) + rest.bounds())
}
