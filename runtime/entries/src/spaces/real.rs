//! Real numbers.

use crate::prelude::*;

/// The step of the numbers whose hyperbolic sines are the grid.
const STEP: f64 = 0.005;

space! {
    /// Real numbers.
    continuous real: Real,
    ranks: 1..=3 of "features, or channels, height, width",
    usual: normal,
    misfit: |row| (!row.iter().all(|value| value.is_finite())).then_some("is not finite"),
    draw: |row| row.to_vec(),
    // Dense around 0, and so wide that a density that falls as |x|^−1.4 has less than 1e-9 outside. The sum over a
    // smooth density is an accurate integral.
    grid: Grid {
        shape: &[1],
        rows: || (-11_000..11_000).map(|at| (f64::from(at) * STEP).sinh()).collect(),
        measure: |row| row[0].hypot(1.0) * STEP,
    },
}
