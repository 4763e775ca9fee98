//! Real numbers.

use crate::prelude::*;

/// The sum over a grid this fine is the integral of a smooth density to many digits.
const STEP: f64 = 0.01;

space! {
    /// Real numbers.
    continuous real: Real,
    ranks: 1..=3 of "features, or channels, height, width",
    usual: normal,
    misfit: |row| (!row.iter().all(|value| value.is_finite())).then_some("is not finite"),
    draw: |row| row.to_vec(),
    grid: Grid { shape: &[1], rows: || (-3000..3000).map(|at| f64::from(at) * STEP).collect(), step: STEP },
}
