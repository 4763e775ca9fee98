//! Directions.

use crate::prelude::*;

/// The number of directions on the grid, on a circle.
const DIRECTIONS: usize = 3_600;
/// The tolerance of the length, for single precision or numbers rounded to four digits.
const ROUNDED: f64 = 1e-3;

space! {
    /// Directions: vectors of length 1. Densities are with respect to the area of the sphere.
    continuous sphere: Sphere,
    ranks: 1..=1 of "coordinates",
    usual: von_mises_fisher,
    misfit: |row| {
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        ((length - 1.0).abs() > ROUNDED || length.is_nan()).then_some("does not have length 1")
    },
    draw: |row| {
        // The coordinates' numbers are between 0 and 1; the shift keeps the vector from being 0.
        let centred = || row.iter().enumerate().map(|(at, value)| 2.0 * value - if at == 0 { 0.9 } else { 1.0 });
        let length = centred().map(|value| value * value).sum::<f64>().sqrt().max(1e-6);
        centred().map(|value| value / length).collect()
    },
    grid: Grid {
        shape: &[2],
        rows: || {
            let angle = |at: usize| (at as f64 + 0.5) * std::f64::consts::TAU / DIRECTIONS as f64;
            (0..DIRECTIONS).flat_map(|at| [angle(at).cos(), angle(at).sin()]).collect()
        },
        measure: |_| std::f64::consts::TAU / DIRECTIONS as f64,
    },
}
