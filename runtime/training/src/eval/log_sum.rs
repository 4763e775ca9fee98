//! Sums of exponentials whose terms would overflow or underflow.

/// A running log Σ exp of numbers.
#[derive(Debug, Clone, Copy)]
pub struct LogSum {
    peak: f64,
    /// Σ exp(number − peak)
    sum: f64,
    count: usize,
}

impl Default for LogSum {
    fn default() -> Self {
        Self { peak: f64::NEG_INFINITY, sum: 0.0, count: 0 }
    }
}

impl LogSum {
    pub fn add(&mut self, number: f64) {
        self.count += 1;
        if number > self.peak {
            self.sum = self.sum * (self.peak - number).exp() + 1.0;
            self.peak = number;
        } else if number != f64::NEG_INFINITY {
            self.sum += (number - self.peak).exp();
        }
    }

    /// log of the mean of the exponentials.
    pub fn mean(&self) -> f64 {
        self.peak + self.sum.ln() - (self.count as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::LogSum;

    #[test]
    fn log_sums_agree_with_the_plain_formula_far_from_zero() {
        let numbers = [-3.5, 0.25, 1.5, -40.0];
        let plain = (numbers.iter().map(|number: &f64| number.exp()).sum::<f64>() / 4.0).ln();
        for shift in [0.0, -20_000.0, 20_000.0] {
            let mut sum = LogSum::default();
            numbers.iter().for_each(|number| sum.add(number + shift));
            // Near 20,000 a number of f64 has an error of 4e-12.
            assert!((sum.mean() - plain - shift).abs() < 1e-9);
        }
    }

    #[test]
    fn a_weight_of_0_counts_and_adds_nothing() {
        let mut sum = LogSum::default();
        [f64::NEG_INFINITY, 0.0, f64::NEG_INFINITY].iter().for_each(|&number| sum.add(number));
        // Rounding of the logarithm.
        assert!((sum.mean() - (1f64 / 3.0).ln()).abs() < 1e-15, "{}", sum.mean());
    }

    #[test]
    fn a_nan_weight_is_not_lost() {
        let mut sum = LogSum::default();
        [0.0, f64::NAN, 1.0].iter().for_each(|&number| sum.add(number));
        assert!(sum.mean().is_nan());
    }
}
