//! Real variables standardised to mean 0 and standard deviation 1 over the training records.

use super::Records;
use crate::data::cells::Cells;
use crate::spec::{Space, Variable};
use crate::{Result, Tensor, Values};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The means and standard deviations of a variable's numbers. All steps of a sequence have the same ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    pub mean: Vec<f64>,
    pub deviation: Vec<f64>,
    /// For a family over the length, the variable with the number of steps of each record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<String>,
}

/// Scales by variable.
pub type Scales = BTreeMap<String, Scale>;

/// The scales of all real variables: of the values that the records have, without missing ones and without what lies behind a
/// record's last step. A constant number keeps its unit.
pub fn measure<'v>(train: &Records, variables: impl Iterator<Item = &'v Variable>, length: Option<&str>) -> Scales {
    let lengths = length.and_then(|length| train.lengths(length));
    // Only real numbers are scaled; counts, proportions and other numbers are not.
    let reals = variables.filter(|variable| variable.space == Space::Real && !variable.is_length);
    let scales = reals.filter_map(|variable| {
        let name = &variable.name;
        let Cells::Reals { numbers, .. } = &train.column(name)?.cells else { return None };
        let (size, steps) = (variable.row(), if variable.steps { variable.shape[0] } else { 1 });
        let end = |record: usize| lengths.as_ref().filter(|_| variable.steps).map_or(steps, |lengths| lengths[record]);
        let is_there = |record: usize, step: usize| {
            train.has(name, record)
                && step < end(record)
                && train.steps(name, record).is_none_or(|present| present[step])
        };
        let values = numbers.chunks(size).enumerate();
        let there: Vec<f32> = values
            .filter(|(at, _)| is_there(at / steps.max(1), at % steps.max(1)))
            .flat_map(|(_, value)| value)
            .copied()
            .collect();
        let length = length.filter(|_| variable.steps).map(str::to_owned);
        Some((name.clone(), Scale { length, ..of(&there, size) }))
    });
    scales.collect()
}

/// Whether scales are for these variables. Earlier versions had one for every step of a sequence, and one for the length.
pub fn are_for(scales: &Scales, variables: &[Variable]) -> bool {
    let fits = |variable: &Variable| {
        let Some(scale) = scales.get(&variable.name) else { return true };
        !variable.is_length && scale.length.is_some() == variable.steps && scale.mean.len() == variable.row()
    };
    variables.iter().all(fits)
}

fn of(numbers: &[f32], size: usize) -> Scale {
    let count = (numbers.len() / size.max(1)).max(1) as f64;
    let column = |at: usize| numbers.iter().skip(at).step_by(size.max(1)).map(|&number| f64::from(number));
    let mean: Vec<f64> = (0..size).map(|at| column(at).sum::<f64>() / count).collect();
    let deviation = (0..size).map(|at| {
        let variance = column(at).map(|number| (number - mean[at]).powi(2)).sum::<f64>() / count;
        if variance > 1e-12 * mean[at].powi(2) && variance > 0.0 { variance.sqrt() } else { 1.0 }
    });
    Scale { deviation: deviation.collect(), mean, length: None }
}

impl Scale {
    /// ln of the factor between a density over a scaled value and one over the data's own units: of a sequence, for each step.
    pub fn log_factor(&self) -> f64 {
        self.deviation.iter().map(|deviation| deviation.ln()).sum()
    }

    /// How many values each record of a batch has: the steps before its end that are not missing, or 1 and 0. None if each has one.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn counts(&self, variable: &str, batch: &Values) -> Result<Option<Tensor>> {
        let present = batch.find(&Values::presence_of(variable));
        let Some(length) = &self.length else { return Ok(present.cloned()) };
        let lengths = batch.get(length)?.flatten_all()?;
        match present {
            Some(present) => {
                let steps =
                    Tensor::arange(0u32, present.dim(1)? as u32, present.device())?.to_dtype(lengths.dtype())?;
                let within = steps.unsqueeze(0)?.broadcast_lt(&lengths.unsqueeze(1)?)?;
                Ok(Some((within.to_dtype(present.dtype())? * present)?.sum(1)?))
            }
            None => Ok(Some(lengths)),
        }
    }

    /// Converts back to the data's own units, value after value.
    pub fn undo(&self, numbers: &mut [f32]) {
        for value in numbers.chunks_mut(self.mean.len().max(1)) {
            for ((number, mean), deviation) in value.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *number = (f64::from(*number) * deviation + mean) as f32;
            }
        }
    }

    /// Scales numbers, value after value.
    pub fn apply(&self, numbers: &mut [f32]) {
        for value in numbers.chunks_mut(self.mean.len().max(1)) {
            for ((number, mean), deviation) in value.iter_mut().zip(&self.mean).zip(&self.deviation) {
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
