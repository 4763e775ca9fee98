//! Counts.

use crate::prelude::*;

space! {
    /// Integers from 0.
    discrete count: Count,
    ranks: 1..=3 of "features, or channels, height, width",
    usual: poisson,
    misfit: |row| {
        let is_count = |value: &f64| *value >= 0.0 && value.is_finite() && value.fract() == 0.0;
        (!row.iter().all(is_count)).then_some("has a value that is not a whole number from 0 on")
    },
    draw: |row| row.iter().map(|value| (-3.0 * (-value).ln_1p()).floor()).collect(),
    // The densities under test have less than 1e-12 of their mass above.
    grid: Grid { shape: &[1], rows: || (0..1000).map(f64::from).collect(), measure: |_| 1.0 },
}
