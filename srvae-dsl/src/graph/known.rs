//! What is known about the elements of a value, whatever the data and the parameters are.

use super::bounds::ROUNDING;
use super::{Interval, Part, Polynomial};
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
    pub total: Polynomial,
    /// The numbers between which this sum lies.
    pub sum: Interval,
    /// If the channels are proportions, or a range of the channels of such a value: the range.
    pub part: Option<Part>,
    /// Consecutive ranges of channels: the end of each, and the numbers between which its elements lie.
    pub pieces: Vec<(usize, Interval)>,
}

impl Known {
    /// The element that all channels have.
    pub fn level(&self) -> Option<&Polynomial> {
        self.is_level.then_some(&self.element)
    }

    /// Whether the channels are proportions at every position: positive, and with the sum 1.
    pub fn is_proportions(&self) -> bool {
        self.adds_up_to_one() && self.interval.is_within(Domain::Positive)
    }

    /// Whether the channels add up to 1 at every position.
    pub fn adds_up_to_one(&self) -> bool {
        self.total.number().is_some_and(|sum| (sum - 1.0).abs() < ROUNDING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proportions_are_positive_and_add_up_to_one() {
        let known = |interval, total| Known {
            interval,
            element: Polynomial::default(),
            is_level: false,
            total: Polynomial::constant(total),
            sum: Interval::ALL,
            part: None,
            pieces: Vec::new(),
        };
        assert!(known(Interval::open(0.0, 1.0), 1.0).is_proportions());
        assert!(known(Interval::open(0.0, 1.0), 0.999_999_9).is_proportions());
        assert!(!known(Interval::open(0.0, 1.0), 0.999).is_proportions());
        assert!(!known(Interval::closed(0.0, 1.0), 1.0).is_proportions());
    }
}
