//! Images of 8 bits.

use crate::prelude::*;

space! {
    /// Pixels on the grid k/255, k = 0..=255.
    discrete image: Image,
    ranks: 3..=3 of "channels, height, width",
    usual: logistic_mixture,
    misfit: |row| (!row.iter().all(|value| on_grid(*value))).then_some("leaves the grid k/255"),
    draw: |row| row.iter().map(|value| (value * 256.0).floor() / 255.0).collect(),
    grid: Grid { shape: &[1, 1, 1], rows: || (0..256).map(|level| f64::from(level) / 255.0).collect(), measure: |_| 1.0 },
}

fn on_grid(value: f64) -> bool {
    let level = value * 255.0;
    (0.0..=1.0).contains(&value) && (level - level.round()).abs() < 1e-6
}
