//! Classes.

use crate::prelude::*;

const CLASSES: usize = 5;

space! {
    /// One of n classes, represented by a one-hot vector; for a map, one at each position.
    discrete label: Label,
    ranks: 1..=3 of "classes, or classes, height, width",
    usual: categorical,
    misfit: |row| {
        let one_hot = row.iter().all(|value| [0.0, 1.0].contains(value)) && row.iter().sum::<f64>() == 1.0;
        (!one_hot).then_some("is not one class")
    },
    draw: |row| {
        let largest = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]));
        (0..row.len()).map(|at| f64::from(u8::from(Some(at) == largest))).collect()
    },
    grid: Grid {
        shape: &[CLASSES],
        rows: || (0..CLASSES * CLASSES).map(|at| f64::from(u8::from(at % (CLASSES + 1) == 0))).collect(),
        measure: |_| 1.0,
    },
}
