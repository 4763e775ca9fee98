//! Numbers between 0 and 1.

use crate::prelude::*;

/// The step of the logits on the grid.
const STEP: f64 = 0.01;

space! {
    /// Numbers between 0 and 1, both excluded.
    continuous unit: Unit,
    ranks: 1..=3 of "features, or channels, height, width",
    usual: beta,
    misfit: |row| {
        let fits = |value: &f64| *value > 0.0 && *value < 1.0;
        (!row.iter().all(fits)).then_some("has a value that is not between 0 and 1, both excluded")
    },
    draw: |row| row.iter().map(|value| 0.05 + 0.9 * value).collect(),
    // A density may be infinite at both ends. As a function of the logit it is smooth. Above a logit of 36 a double is
    // rounded to 1.
    grid: Grid {
        shape: &[1],
        rows: || (-12_000..3_600).map(|at| 1.0 / (1.0 + (f64::from(-at) * STEP).exp())).collect(),
        measure: |row| row[0] * (1.0 - row[0]) * STEP,
    },
}
