//! Real columns standardised to mean 0 and standard deviation 1 over the training records.

use super::Records;
use crate::data::cells::Cells;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The means and standard deviations of a variable's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    pub mean: Vec<f64>,
    pub deviation: Vec<f64>,
}

/// Scales by variable.
pub type Scales = BTreeMap<String, Scale>;

/// The scales of all real columns. A constant number keeps its unit.
pub fn measure(train: &Records) -> Scales {
    let columns = train.columns().iter().filter_map(|column| match &column.cells {
        Cells::Reals { shape, numbers } => {
            let size = shape.iter().product::<usize>().max(1);
            let rows = numbers.chunks(size).enumerate().filter(|(record, _)| train.has(&column.name, *record));
            let there: Vec<f32> = rows.flat_map(|(_, row)| row).copied().collect();
            Some((column.name.clone(), of(&there, size)))
        }
        _ => None,
    });
    columns.collect()
}

fn of(numbers: &[f32], size: usize) -> Scale {
    let count = (numbers.len() / size.max(1)).max(1) as f64;
    let column = |at: usize| numbers.iter().skip(at).step_by(size.max(1)).map(|&number| f64::from(number));
    let mean: Vec<f64> = (0..size).map(|at| column(at).sum::<f64>() / count).collect();
    let deviation = (0..size).map(|at| {
        let variance = column(at).map(|number| (number - mean[at]).powi(2)).sum::<f64>() / count;
        if variance > 1e-12 * mean[at].powi(2) && variance > 0.0 { variance.sqrt() } else { 1.0 }
    });
    Scale { deviation: deviation.collect(), mean }
}

impl Scale {
    /// ln of the factor between a density over scaled values and one over the data's own units.
    pub fn log_factor(&self) -> f64 {
        self.deviation.iter().map(|deviation| deviation.ln()).sum()
    }

    /// Converts back to the data's own units, record after record.
    pub fn undo(&self, numbers: &mut [f32]) {
        for record in numbers.chunks_mut(self.mean.len().max(1)) {
            for ((number, mean), deviation) in record.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *number = (f64::from(*number) * deviation + mean) as f32;
            }
        }
    }

    /// Scales numbers, record after record.
    pub fn apply(&self, numbers: &mut [f32]) {
        for record in numbers.chunks_mut(self.mean.len().max(1)) {
            for ((number, mean), deviation) in record.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *number = ((f64::from(*number) - mean) / deviation) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn scaled_numbers_come_back() {
        let numbers = [1000.0f32, -1.0, 1004.0, 3.0, 1002.0, 7.0];
        let (scale, mut scaled) = (of(&numbers, 2), numbers);
        assert_eq!(scale.mean, [1002.0, 3.0]);
        scale.apply(&mut scaled);
        assert_eq!(scaled[4..], [0.0, (4.0 / scale.deviation[1]) as f32]);
        scale.undo(&mut scaled);
        // Rounding of numbers near 1000 in f32.
        assert!(scaled.iter().zip(numbers).all(|(found, number)| (found - number).abs() < 1e-3), "{scaled:?}");
    }
}
