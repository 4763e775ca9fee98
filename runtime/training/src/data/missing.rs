//! Presences of partly observed variables.
//!
//! A value is missing if a cell is empty or contains a word for missing values, a number is NaN, a class is below 0 or
//! a one-hot row has no 1; or if an array with the variable's name and `?` is 0.

use super::Order;
use super::batch::classes_at;
use super::cells::{Cells, Column};
use super::fit::{Fitting, is_missing, is_missing_class, select};
use super::records::Records;
use super::table::{Field, Raw};
use crate::input::Array;
use crate::spec::{Space, Variable};
use anyhow::{Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};

/// For each of the records `indices`, whether it has the variable: a value in all `fields` that fill it, and a presence
/// of 1 if there is a field of presences. Records with only some of the numbers are reported in `notes`.
///
/// # Errors
/// Presences other than 0 and 1.
pub fn present(
    variable: &Variable,
    fields: &[&Field],
    says: Option<&Field>,
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Vec<bool>> {
    let mut present = vec![!fields.is_empty(); indices.len()];
    let mut in_part = vec![false; indices.len()];
    let each: Vec<Vec<Share>> =
        fields.iter().map(|field| shares(&field.raw, variable.space == Space::Label, indices)).collect();
    for row in 0..indices.len() {
        let all = || each.iter().map(|shares| shares[row]);
        present[row] &= all().all(|share| share == Share::All);
        in_part[row] = !present[row] && all().any(|share| share != Share::Nothing);
    }
    if let Some(says) = says {
        let steps = if variable.steps { variable.shape[0].max(1) } else { 1 };
        for (row, said) in flags(says, indices, steps, how)?.chunks(steps).enumerate() {
            let said = said.contains(&true);
            present[row] &= said;
            in_part[row] &= said;
        }
    }
    let in_part = in_part.into_iter().filter(|in_part| *in_part).count();
    let there = present.iter().filter(|present| **present).count();
    let (name, count) = (&variable.name, indices.len());
    if in_part > 0 {
        notes.insert(format!(
            "{name}: {in_part} of {count} records have a part of its numbers; it counts as missing in them"
        ));
    }
    if there < count {
        notes.insert(format!("{name}: {there} of {count} records have a value"));
    }
    Ok(present)
}

/// Whether a record has all, some or none of a field's numbers.
#[derive(Clone, Copy, PartialEq)]
enum Share {
    All,
    Part,
    Nothing,
}

fn shares(raw: &Raw, is_label: bool, indices: &[usize]) -> Vec<Share> {
    let of = |missing: bool| if missing { Share::Nothing } else { Share::All };
    match raw {
        // Records of stored arrays have been read before.
        Raw::Files { .. } | Raw::Encoded(_) | Raw::Stored(_) => vec![Share::All; indices.len()],
        Raw::Text(cells) if is_label => indices.iter().map(|&index| of(is_missing_class(&cells[index]))).collect(),
        Raw::Text(cells) => indices.iter().map(|&index| of(is_missing(&cells[index]))).collect(),
        Raw::Numbers(array) => {
            let numbers = select(array, indices);
            let size = numbers.len().checked_div(indices.len()).unwrap_or(0).max(1);
            numbers.chunks(size).map(|numbers| share(numbers, is_label)).collect()
        }
    }
}

/// Of the numbers of a record, or of a step of it.
fn share(numbers: &[f64], is_label: bool) -> Share {
    let of = |missing: bool| if missing { Share::Nothing } else { Share::All };
    match numbers {
        &[number] if is_label => of(number.is_nan() || number < 0.0),
        _ if is_label => of(numbers.iter().all(|&number| number == 0.0 || number.is_nan())),
        _ => match numbers.iter().filter(|number| number.is_nan()).count() {
            0 => Share::All,
            missing if missing == numbers.len() => Share::Nothing,
            _ => Share::Part,
        },
    }
}

/// For a family over the length in one array `[records, T, …]`: for each of the records `indices` whether it has every step, and these records
/// with a valid value in place of the missing ones. A step is missing if one of its numbers is NaN (a class: below 0), or if its presence is 0;
/// presences are one number for each record, or one for each record and step. Steps after the end of a record, from `lengths`, are not
/// reported. None if no step is missing, if all are, and for other fields.
///
/// # Errors
/// Presences other than 0 and 1, or another number of them.
pub fn by_step(
    variable: &Variable,
    field: &Field,
    (says, lengths): (Option<&Field>, Option<&[usize]>),
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Option<(Field, Vec<Vec<bool>>)>> {
    let (Raw::Numbers(array), steps) = (&field.raw, variable.shape[0]) else { return Ok(None) };
    if array.shape.get(1) != Some(&steps) || steps == 0 {
        return Ok(None);
    }
    let numbers = select(array, indices);
    let size = (numbers.len() / (indices.len() * steps).max(1)).max(1);
    let has = |step: &[f64]| share(step, variable.space == Space::Label) == Share::All;
    let mut present: Vec<bool> = numbers.chunks(size).map(has).collect();
    if let Some(says) = says {
        present.iter_mut().zip(flags(says, indices, steps, how)?).for_each(|(present, said)| *present &= said);
    }
    let Some(valid) = present.iter().position(|present| *present).filter(|_| present.contains(&false)) else {
        return Ok(None);
    };
    let is_within = |place: &usize| lengths.is_none_or(|lengths| place % steps < lengths[place / steps]);
    let within: Vec<bool> = (0..present.len()).filter(is_within).map(|place| present[place]).collect();
    let there = within.iter().filter(|present| **present).count();
    if there < within.len() {
        notes.insert(format!("{}: {there} of {} steps have a value", variable.name, within.len()));
    }
    let bytes = array.content.len() / (array.shape[0] * steps).max(1);
    let at = |place: usize| (indices[place / steps] * steps + place % steps) * bytes;
    let content = (0..present.len()).flat_map(|place| {
        let from = at(if present[place] { place } else { valid });
        &array.content[from..from + bytes]
    });
    let mut shape = array.shape.clone();
    shape[0] = indices.len();
    let filled = Array { kind: array.kind, shape, content: content.copied().collect() };
    let filled = Field { name: field.name.clone(), raw: Raw::Numbers(filled) };
    Ok(Some((filled, present.chunks(steps).map(<[bool]>::to_vec).collect())))
}

/// The numbers 0 and 1 of a field, one for each of `steps` of every record: stated for each, or for the whole record.
fn flags(field: &Field, indices: &[usize], steps: usize, how: &Fitting<'_>) -> Result<Vec<bool>> {
    let numbers: Vec<f64> = match &field.raw {
        Raw::Numbers(array) => select(array, indices),
        Raw::Text(cells) => {
            let number = |index: &usize| match cells[*index].to_lowercase().as_str() {
                "true" => 1.0,
                "false" => 0.0,
                cell => cell.parse().unwrap_or(f64::NAN),
            };
            indices.iter().map(number).collect()
        }
        Raw::Files { .. } | Raw::Encoded(_) | Raw::Stored(_) => {
            bail!("`{}` holds images or several numbers per record; expected 0 or 1 per record", field.name)
        }
    };
    let stated = if numbers.len() == indices.len() * steps { steps } else { 1 };
    ensure!(
        numbers.len() == indices.len() * stated,
        "`{}` has more than one number per record; expected 0 or 1",
        field.name
    );
    if let Some(at) = numbers.iter().position(|number| ![0.0, 1.0].contains(number)) {
        let step = if stated > 1 { format!(" at step {}", at % stated + 1) } else { String::new() };
        bail!(
            "{}: `{}` is {}{step}; expected 1 where a record has the variable, and 0",
            how.record(indices[at / stated]),
            field.name,
            numbers[at]
        );
    }
    Ok(numbers.into_iter().flat_map(|number| std::iter::repeat_n(number == 1.0, steps / stated)).collect())
}

impl Cells {
    /// The values of the present records at their places, and zeros for the others.
    pub(super) fn spread(self, present: &[bool]) -> Self {
        fn rows<T: Copy + Default>(own: &[T], size: usize, present: &[bool]) -> Vec<T> {
            let mut own = own.chunks(size.max(1));
            let mut all = Vec::with_capacity(present.len() * size);
            for &present in present {
                match own.by_ref().take(usize::from(present)).next() {
                    Some(row) => all.extend_from_slice(row),
                    None => all.resize(all.len() + size, T::default()),
                }
            }
            all
        }
        match self {
            Self::Pictures { shape, bytes } => {
                let bytes = rows(&bytes, shape.iter().product(), present);
                Self::Pictures { shape, bytes }
            }
            Self::Reals { shape, numbers } => {
                let numbers = rows(&numbers, shape.iter().product(), present);
                Self::Reals { shape, numbers }
            }
            Self::Classes(classes) => Self::Classes(rows(&classes, 1, present)),
            Self::Codes { places, codes } => Self::Codes { places, codes: rows(&codes, places, present) },
        }
    }

    /// An empty column of a variable's kind.
    pub(super) fn none(variable: &Variable) -> Self {
        let shape = || variable.picture().unwrap_or([1, 1, variable.shape.iter().product()]);
        match variable.space {
            Space::Label => match classes_at(variable) {
                Some((_, places)) if variable.shape.len() > 1 => Self::Codes { places, codes: Vec::new() },
                _ => Self::Classes(Vec::new()),
            },
            Space::Image | Space::Binary => Self::Pictures { shape: shape(), bytes: Vec::new() },
            _ => Self::Reals { shape: variable.shape.clone(), numbers: Vec::new() },
        }
    }
}

impl Records {
    /// Hides the values of a column in all but this fraction of the records, chosen by a seed. For classes it is the
    /// same fraction of each, and at least one record.
    pub fn hide(&mut self, name: &str, part: f64, seed: u64) {
        let Some(Column { cells, .. }) = self.column(name) else { return };
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for index in Order::permutation(self.len(), seed ^ 0x6869_6465, 0) {
            let group = if let Cells::Classes(classes) = cells { classes[index] } else { 0 };
            if self.has(name, index) {
                groups.entry(group).or_default().push(index);
            }
        }
        let mut present = vec![false; self.len()];
        for indices in groups.into_values() {
            let kept = (indices.len() as f64 * part).round().max(1.0) as usize;
            indices.into_iter().take(kept).for_each(|index| present[index] = true);
        }
        self.set_present(name, present);
    }
}

#[cfg(test)]
mod tests {
    use super::{Cells, Column, Fitting, Records, Space, Variable, present};
    use crate::data::fit::{Binarise, Range};
    use crate::data::table::{Field, Raw};
    use crate::input::Array;
    use crate::spec::Role;
    use std::collections::BTreeSet;

    fn field(name: &str, shape: &[usize], numbers: &[f32]) -> Field {
        let content = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        Field { name: name.into(), raw: Raw::Numbers(Array::new("<f4", false, shape.to_vec(), content).unwrap()) }
    }

    /// Which records have a variable of this space and two numbers, and the notes.
    fn found(space: Space, numbers: &[f32], says: &[f32]) -> (Vec<bool>, Vec<String>) {
        let variable = Variable::new("v", Role::Partly, space, &[2]);
        let (own, flags) = (field("v", &[says.len(), 2], numbers), field("v?", &[says.len()], says));
        let range = Range { largest: 1.0, whole: true, ..Range::default() };
        let how = Fitting {
            binarise: Binarise::Threshold,
            seed: 0,
            range,
            classes: &[],
            names: None,
            lines: None,
            numbers: None,
            frames: 1,
        };
        let (all, mut notes) = ((0..says.len()).collect::<Vec<_>>(), BTreeSet::new());
        let present = present(&variable, &[&own], Some(&flags), &all, &how, &mut notes).unwrap();
        (present, notes.into_iter().collect())
    }

    #[test]
    fn a_part_of_the_numbers_is_noted_unless_the_record_is_said_to_lack_them() {
        let numbers = [1.0, 2.0, f32::NAN, 3.0, f32::NAN, 4.0, f32::NAN, f32::NAN];
        let (present, notes) = found(Space::Real, &numbers, &[1.0, 1.0, 0.0, 1.0]);
        assert_eq!(present, [true, false, false, false]);
        assert_eq!(
            notes,
            [
                "v: 1 of 4 records have a part of its numbers; it counts as missing in them",
                "v: 1 of 4 records have a value"
            ]
        );
    }

    #[test]
    fn a_one_hot_row_without_a_one_is_missing() {
        let rows = [0.0, 1.0, 0.0, 0.0, f32::NAN, f32::NAN];
        assert_eq!(found(Space::Label, &rows, &[1.0; 3]).0, [true, false, false]);
    }

    /// The fraction is of the records that have the value, and none of the others gets one.
    #[test]
    fn values_are_kept_in_a_fraction_of_the_records_that_have_them() {
        let column = Column { name: "c".into(), cells: Cells::Classes(vec![0; 40]) };
        let mut records = Records::of(vec![column]).unwrap();
        records.set_present("c", (0..40).map(|record| record < 20).collect());
        records.hide("c", 0.25, 1);
        let kept: Vec<usize> = (0..40).filter(|record| records.has("c", *record)).collect();
        assert!(kept.len() == 5 && kept.iter().all(|record| *record < 20), "{kept:?}");
    }
}
