//! Zeros and ones.

use crate::prelude::*;

space! {
    /// Zeros and ones.
    discrete binary: Binary,
    ranks: 1..=3 of "features, or channels, height, width",
    usual: bernoulli,
    misfit: |row| (!row.iter().all(|value| [0.0, 1.0].contains(value))).then_some("is not binary"),
    draw: |row| row.iter().map(|value| value.round()).collect(),
    grid: Grid { shape: &[1], rows: || vec![0.0, 1.0], measure: |_| 1.0 },
}
