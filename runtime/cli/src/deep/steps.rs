//! The law of sequences: values after a record's end have no influence.

use super::{BATCH, Finding, Subject, length, lengths};
use anyhow::Result;
use srvae_training::{BoundOptions, Device, Tensor, Values};

pub fn laws(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let Some((_, steps)) = length(subject.spec) else { return Ok(Vec::new()) };
    let ends = lengths(steps, BATCH);
    let bound = |data: &Values| -> Result<Tensor> {
        let options = BoundOptions { samples: 2, ..BoundOptions::default() };
        Ok(subject.model.bound(data, &mut subject.noise(10), &options)?.log_weights()?)
    };
    let mut other = subject.data.clone();
    for (name, value) in subject.data.iter() {
        if subject.spec.variable(name).is_some_and(|variable| variable.steps) {
            other.insert(name, padded_otherwise(value, &ends)?);
        }
    }
    let difference = (bound(&subject.data)? - bound(&other)?)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()?;
    let law = "values after a record's end have no influence";
    // The probabilities of values that are enumerated after the end add up to 1, within the rounding of some sums.
    let largest = bound(&subject.data)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()?;
    let holds = difference <= 16.0 * f64::EPSILON * (1.0 + largest);
    Ok(vec![Finding::new(law, holds, format!("differs by {difference:.1e}"))])
}

/// The same sequences, with the first step in place of every step after the end.
fn padded_otherwise(value: &Tensor, ends: &[f64]) -> Result<Tensor> {
    let steps = value.dim(1)?;
    let mut rows = Vec::with_capacity(BATCH);
    for (record, end) in ends.iter().enumerate() {
        let places: Vec<u32> = (0..steps).map(|step| if (step as f64) < *end { step as u32 } else { 0 }).collect();
        let places = Tensor::from_vec(places, steps, &Device::Cpu)?;
        rows.push(value.get(record)?.index_select(&places, 0)?);
    }
    Ok(Tensor::stack(&rows, 0)?)
}
