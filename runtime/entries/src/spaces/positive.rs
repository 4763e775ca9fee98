//! Positive numbers.

use crate::prelude::*;

/// The step of the logarithms on the grid.
const STEP: f64 = 0.01;

space! {
    /// Positive numbers, 0 excluded.
    continuous positive: Positive,
    ranks: 1..=3 of "features, or channels, height, width",
    usual: gamma,
    misfit: |row| {
        let fits = |value: &f64| *value > 0.0 && value.is_finite();
        (!row.iter().all(fits)).then_some("has a value that is not positive")
    },
    draw: |row| row.iter().map(|value| (2.0 * value - 1.0).exp()).collect(),
    // A density may be infinite at 0. As a function of the logarithm it is smooth, so the sum is an accurate integral.
    grid: Grid {
        shape: &[1],
        rows: || (-12_000..1_500).map(|at| (f64::from(at) * STEP).exp()).collect(),
        measure: |row| row[0] * STEP,
    },
}
