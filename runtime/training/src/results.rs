//! What arrays of results have beside the values of the variables: the numbers of the records and the lengths of their sequences.

use crate::arrays::{Array, Numbers};
use crate::data::Images;
use crate::spec::{Spec, Variable};

/// The name of the array with the number of each record in its data set.
const NUMBER: &str = "number";

/// The number of each of the first `count` records in its data set, from 0. None for records of no data set, and for a model that
/// has a variable of this name.
pub fn numbers(images: &Images, spec: &Spec, count: usize) -> Option<Array> {
    if spec.variable(NUMBER).is_some() || !images.has_numbers() {
        return None;
    }
    let numbers: Vec<f64> = (0..count).map(|index| images.number(index) as f64).collect();
    Some(Array::column(NUMBER, &numbers))
}

/// For sequences, zeros after the end of each record, and the lengths as an array. An array is named after its variable, with `_draws`
/// if it has several draws for each record.
pub fn end(arrays: &mut Vec<Array>, spec: &Spec, lengths: &[usize]) {
    let Some(length) = Variable::length(&spec.variables) else { return };
    for array in arrays.iter_mut() {
        let name = array.name.strip_suffix("_draws").unwrap_or(&array.name);
        let variable = spec.variable(&array.name).or_else(|| spec.variable(name));
        let Some(variable) = variable.filter(|variable| variable.steps) else { continue };
        let size: usize = variable.shape.iter().product();
        let step = size / variable.shape[0].max(1);
        let Numbers::F32(values) = &mut array.values else { continue };
        let draws = (values.len() / size.max(1) / lengths.len().max(1)).max(1);
        for (row, numbers) in values.chunks_mut(size.max(1)).enumerate() {
            numbers[(lengths[row / draws] * step).min(size)..].fill(0.0);
        }
    }
    let numbers: Vec<f64> = lengths.iter().map(|&steps| steps as f64).collect();
    arrays.push(Array::column(&length.name, &numbers));
}
