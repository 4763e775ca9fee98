//! What is known about the elements of a value, whatever the data and the parameters are.

use super::bounds::ROUNDING;
use super::{Interval, Polynomial};
use crate::catalog::Domain;

/// Facts about a value.
#[derive(Debug, Clone)]
pub struct Known {
    /// The numbers between which all elements lie.
    pub interval: Interval,
    /// The element at each position, from those of other values at the same position.
    pub element: Polynomial,
    /// Whether all channels have the same element at each position.
    pub is_level: bool,
    /// The sum over the channels at each position.
    pub total: Option<Polynomial>,
    /// The numbers between which this sum lies.
    pub sum: Interval,
}

impl Known {
    /// Values of which only the interval is known.
    pub fn between(element: Polynomial, interval: Interval) -> Self {
        Self { interval, element, is_level: false, total: None, sum: Interval::ALL }
    }

    /// The element that all channels have.
    pub fn level(&self) -> Option<&Polynomial> {
        self.is_level.then_some(&self.element)
    }

    /// Whether the channels are proportions at every position: positive, and with the sum 1.
    pub fn is_proportions(&self) -> bool {
        let is_one = self.total.as_ref().and_then(Polynomial::number).is_some_and(|sum| (sum - 1.0).abs() < ROUNDING);
        is_one && self.interval.is_within(Domain::Positive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proportions_are_positive_and_add_up_to_one() {
        let known = |interval, total| Known {
            total: Some(Polynomial::constant(total)),
            ..Known::between(Polynomial::default(), interval)
        };
        assert!(known(Interval::open(0.0, 1.0), 1.0).is_proportions());
        assert!(known(Interval::open(0.0, 1.0), 0.999_999_9).is_proportions());
        assert!(!known(Interval::open(0.0, 1.0), 0.999).is_proportions());
        assert!(!known(Interval::closed(0.0, 1.0), 1.0).is_proportions());
    }
}
