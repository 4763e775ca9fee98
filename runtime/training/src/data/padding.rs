//! What lies behind a record's last step.

use super::fit::select;
use super::table::{Field, Raw};
use crate::input::Array;
use crate::spec::{Space, Variable};

/// The array `[records, T, …]` of a family over the length, with the first step of the record in the place of those behind its end
/// that are no value of the variable (NaN, a class of -1): they may be anything. None if there are none, and for other fields.
pub fn valid(variable: &Variable, fields: &[&Field], indices: &[usize], lengths: Option<&[usize]>) -> Option<Field> {
    let ([Field { name, raw: Raw::Numbers(array) }], Some(lengths), true) = (fields, lengths, variable.steps) else {
        return None;
    };
    let steps = variable.shape[0];
    if array.shape.get(1) != Some(&steps) || array.content.is_empty() {
        return None;
    }
    let bytes = array.content.len() / (array.shape[0] * steps);
    let mut content: Option<Vec<u8>> = None;
    for (&index, &length) in indices.iter().zip(lengths).filter(|(_, length)| **length < steps) {
        let numbers = select(array, &[index]);
        let size = (numbers.len() / steps).max(1);
        let wrong = |(step, value): &(usize, &[f64])| *step >= length.max(1) && !is_value(variable, value);
        for (step, _) in numbers.chunks(size).enumerate().filter(wrong) {
            let at = index * steps * bytes;
            content.get_or_insert_with(|| array.content.clone()).copy_within(at..at + bytes, at + step * bytes);
        }
    }
    let filled = Array { kind: array.kind, shape: array.shape.clone(), content: content? };
    Some(Field { name: name.clone(), raw: Raw::Numbers(filled) })
}

fn is_value(variable: &Variable, step: &[f64]) -> bool {
    if step.iter().any(|number| !number.is_finite() || number.abs() > f64::from(f32::MAX)) {
        return false;
    }
    match (variable.space, step) {
        (Space::Label, &[class]) => class.fract() == 0.0 && class >= 0.0 && class < variable.row() as f64,
        (Space::Label, one_hot) => {
            let count = |wanted: f64| one_hot.iter().filter(|number| **number == wanted).count();
            count(1.0) == 1 && count(0.0) + 1 == one_hot.len()
        }
        (Space::Image | Space::Binary, levels) => levels.iter().all(|level| (0.0..=255.0).contains(level)),
        (Space::Real, _) => true,
        (_, numbers) => numbers.len() != variable.row() || variable.wrong(numbers).is_none(),
    }
}
