//! Proportions.

use crate::prelude::*;

/// The step of the logits on the grid.
const STEP: f64 = 0.01;
/// The tolerance of the sum of proportions, for single precision or numbers rounded to four digits.
const ROUNDED: f64 = 1e-3;

space! {
    /// Proportions: positive numbers that add up to 1; of a map, its channels at each position.
    continuous simplex: Simplex,
    ranks: 1..=3 of "parts, or parts, height, width",
    usual: dirichlet,
    misfit: |row| {
        if !row.iter().all(|value| *value > 0.0 && value.is_finite()) {
            return Some("has a part that is not positive");
        }
        ((row.iter().sum::<f64>() - 1.0).abs() > ROUNDED).then_some("has parts that do not add up to 1")
    },
    draw: |row| {
        let total: f64 = row.iter().map(|value| value + 0.1).sum();
        row.iter().map(|value| (value + 0.1) / total).collect()
    },
    // The density is over all parts but one.
    grid: Grid {
        shape: &[2],
        rows: || {
            let part = |at: i32| 1.0 / (1.0 + (f64::from(-at) * STEP).exp());
            (-12_000..3_600).flat_map(|at| [part(at), part(-at)]).collect()
        },
        measure: |row| row[0] * row[1] * STEP,
    },
}
